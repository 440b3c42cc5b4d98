import { type ExitStatus, signalName } from '../errors.js'
import type { MadeBy } from '../mode.js'
import { decode } from './payload.js'

/** The payload of `started` and `forked`: a process that was made. */
export interface Made {
  pid: number
  mode: MadeBy
}

/** The payload of `exited`: how a process has ended. */
export interface Ended {
  pid: number
  /** The exit code; -1 if a signal ended it, or nothing is known. */
  code: number
  /** The number of the signal, else 0. */
  signal: number
}

const MOST_PID = 0x7fffffff
const MOST_CODE = 255
/** The largest number of a signal, SIGRTMAX. */
const MOST_SIGNAL = 64

/** @throws TypeError if the payload does not say how a process was made */
export function decodeMade(payload: Buffer): Made {
  const { pid, mode } = fieldsOf(payload)
  if (!isWithin(pid, 1, MOST_PID) || (mode !== 'fork' && mode !== 'exec'))
    throw new TypeError('it has reported an invalid pid')
  return { pid, mode }
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

function fieldsOf(payload: Buffer): Record<string, unknown> {
  return (decode<unknown>(payload) ?? {}) as Record<string, unknown>
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}
