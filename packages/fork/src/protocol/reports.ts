import { checkClone } from '../clone-check.js'
import { type ExitStatus, signalName } from '../errors.js'
import type { MadeBy } from '../mode.js'
import { decode } from './payload.js'

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
const MOST_PID = 0x7fffffff
const MOST_CODE = 255
/** The largest number of a signal, SIGRTMAX. */
const MOST_SIGNAL = 64
/** The longest obstacle, in characters. */
const MOST_TEXT = 1000
/** The bytes of a pid and a mode, before the text of an obstacle. */
const MADE_BYTES = 5
const ENDED_BYTES = 7
/** The modes, by the number that stands for them. */
const MODES: readonly MadeBy[] = ['fork', 'exec']

/**
 * Decodes the payload of `started` and `forked`: u32 pid · u8 mode · the obstacle in UTF-8.
 *
 * @throws TypeError if the payload does not say how a process was made
 */
export function decodeMade(payload: Buffer): Made {
  const pid = payload.length < MADE_BYTES ? 0 : payload.readUInt32LE(0)
  const mode = MODES[payload[4]!]
  if (!isWithin(pid, 1, MOST_PID) || mode === undefined) throw new TypeError('it has reported an invalid pid')
  const obstacle = payload.length > MADE_BYTES ? shorten(payload.toString('utf8', MADE_BYTES)) : undefined
  return { pid, mode, obstacle }
}

/** Returns the payload of `started` and `forked`. */
export function encodeMade({ pid, mode, obstacle }: Made): Buffer {
  const numbers = Buffer.alloc(MADE_BYTES)
  numbers.writeUInt32LE(pid, 0)
  numbers[4] = MODES.indexOf(mode)
  return obstacle ? Buffer.concat([numbers, Buffer.from(shorten(obstacle))]) : numbers
}

/** Makes a text printable: one line of bounded length. */
function shorten(text: string): string {
  return text.slice(0, MOST_TEXT).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
}

/**
 * Decodes the payload of `exited`: u32 pid · i16 code · u8 signal.
 *
 * @returns which process has ended, and how; both parts of the status are `null` if nothing is known
 * @throws TypeError if the payload does not say that
 */
export function decodeEnded(payload: Buffer): { pid: number; status: ExitStatus } {
  if (payload.length !== ENDED_BYTES) throw invalidExit()
  const pid = payload.readUInt32LE(0)
  const code = payload.readInt16LE(4)
  const signal = payload[6]!
  if (!isWithin(pid, 1, MOST_PID) || !isWithin(code, -1, MOST_CODE) || signal > MOST_SIGNAL) throw invalidExit()
  return { pid, status: { code: code < 0 ? null : code, signal: signalName(signal) } }
}

/** Returns the payload of `exited`. */
export function encodeEnded({ pid, code, signal }: Ended): Buffer {
  const bytes = Buffer.alloc(ENDED_BYTES)
  bytes.writeUInt32LE(pid, 0)
  bytes.writeInt16LE(code, 4)
  bytes[6] = signal
  return bytes
}

function invalidExit(): TypeError {
  return new TypeError('it has reported an invalid exit')
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

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}
