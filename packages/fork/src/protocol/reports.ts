import { checkClone } from '../clone-check.js'
import { type ExitStatus, signalName } from '../errors.js'
import type { MadeBy } from '../mode.js'
import { decode, encode } from './payload.js'

/** The payload of `started` and `forked`: a process that was made. */
export interface Made {
  pid: number
  mode: MadeBy
  /** What was in the way of a fork, in mode 'auto': `a worker thread, started at /a.js:1`. */
  obstacle?: string | undefined
}

/** The payload of `exited`: how a process has ended. */
export interface Ended {
  pid: number
  /** The exit code; -1 if a signal ended it, or nothing is known. */
  code: number
  /** The number of the signal, else 0. */
  signal: number
}

/** How much memory the values of an answer may take, in bytes. */
const MOST_ANSWER_MEMORY = 1 << 28
/** How much memory the values of another report may take, in bytes. */
const MOST_NUMBERS_MEMORY = 1 << 12
const MOST_PID = 0x7fffffff
const MOST_CODE = 255
/** The largest number of a signal, SIGRTMAX. */
const MOST_SIGNAL = 64
/** The longest obstacle, in characters. */
const MOST_TEXT = 1000

/** @throws TypeError if the payload does not say how a process was made */
export function decodeMade(payload: Buffer): Made {
  const { pid, mode, obstacle } = fieldsOf(payload)
  if (!isWithin(pid, 1, MOST_PID) || (mode !== 'fork' && mode !== 'exec'))
    throw new TypeError('it has reported an invalid pid')
  return { pid, mode, obstacle: typeof obstacle === 'string' ? shorten(obstacle) : undefined }
}

/** Returns the payload of `started` and `forked`. */
export function encodeMade({ pid, mode, obstacle }: Made): Buffer {
  return encode(obstacle === undefined ? { pid, mode } : { pid, mode, obstacle: shorten(obstacle) })
}

/** Makes a text printable: one line of bounded length. */
function shorten(text: string): string {
  return text.slice(0, MOST_TEXT).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
}

/**
 * Returns which process has ended, and how. Both parts of the status are `null` if nothing is known.
 *
 * @throws TypeError if the payload does not say that
 */
export function decodeEnded(payload: Buffer): { pid: number; status: ExitStatus } {
  const { pid, code, signal } = fieldsOf(payload)
  if (!isWithin(pid, 1, MOST_PID) || !isWithin(code, -1, MOST_CODE) || !isWithin(signal, 0, MOST_SIGNAL))
    throw new TypeError('it has reported an invalid exit')
  return { pid, status: { code: code < 0 ? null : code, signal: signalName(signal) } }
}

/**
 * Decodes the answer to a question.
 *
 * @throws TypeError or RangeError if it is not one, or takes too much memory
 */
export function decodeAnswer<T>(payload: Buffer): T {
  checkClone(payload, MOST_ANSWER_MEMORY)
  return decode<T>(payload)
}

function fieldsOf(payload: Buffer): Record<string, unknown> {
  checkClone(payload, MOST_NUMBERS_MEMORY)
  return (decode<unknown>(payload) ?? {}) as Record<string, unknown>
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}
