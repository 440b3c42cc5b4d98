import { checkNames } from '@anyfork/fork/internal'

/** What holds for one call. */
export interface CallOptions {
  /**
   * Aborted, it rejects the call with its reason: at once. A call that has not begun never
   * does; one that runs sees its own signal, see `callSignal`, and its result is ignored.
   */
  signal?: AbortSignal
  /** The same after a time in milliseconds, with `ERR_CALL_TIMEOUT`; Infinity: never. */
  timeout?: number
  /**
   * Kill the process when the call is given up while it runs, or while what it returned is
   * iterated over, and with the process all other calls: nothing else ends a function that does
   * not return to its event loop. Default: false.
   */
  killOnAbort?: boolean
  /**
   * When the call is given up, reject only when the process is done with it: when it has
   * dropped it or has ended; or settle as ever, when it had been running already. Default: false.
   */
  untilOver?: boolean
}

/** The longest that setTimeout can wait. */
const LONGEST_MS = 0x7fffffff
const names = new Set(['signal', 'timeout', 'killOnAbort', 'untilOver'])

/** @throws TypeError for options that make no sense */
export function checkCallOptions(options: CallOptions): void {
  checkNames('a call', options, names)
  const { signal, timeout, killOnAbort = false, untilOver = false } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal')
  if (
    timeout !== undefined &&
    timeout !== Infinity &&
    !(typeof timeout === 'number' && timeout >= 0 && timeout <= LONGEST_MS)
  )
    throw new TypeError(`timeout is a time in milliseconds up to ${LONGEST_MS}, not ${String(timeout)}`)
  for (const [name, value] of Object.entries({ killOnAbort, untilOver }))
    if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false, not ${String(value)}`)
}
