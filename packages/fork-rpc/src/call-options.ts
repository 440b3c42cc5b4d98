import { RpcError } from './errors.js'

/** What holds for one call. */
export interface CallOptions {
  /**
   * Aborted, it rejects the call with its reason: at once. A call that has not begun never
   * does; one that runs sees its own signal, see `callSignal`, and its result is ignored.
   */
  signal?: AbortSignal
  /** The same after a time in milliseconds, with `ERR_CALL_TIMEOUT`. */
  timeout?: number
  /**
   * Kill the process when the call is given up while it runs, and with the process all other
   * calls: nothing else ends a function that does not return to its event loop. Default: false.
   */
  killOnAbort?: boolean
}

/** The longest that setTimeout can wait. */
const LONGEST_MS = 0x7fffffff

/** @throws TypeError for options that make no sense */
export function checkCallOptions(options: CallOptions): void {
  const { signal, timeout } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal')
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0 && timeout <= LONGEST_MS)) throw new TypeError(`timeout is a time in milliseconds up to ${LONGEST_MS}, not ${String(timeout)}`)
}

/**
 * Watches for what ends the wait for a call.
 *
 * @param giveUp - called at most once, with what the call is to reject with
 * @returns undoes it
 */
export function watchForAbort({ signal, timeout }: CallOptions, giveUp: (reason: unknown) => void): () => void {
  const undo = (): void => {
    clearTimeout(timer)
    if (signal) forgetAbort(signal, onAbort)
  }
  const onAbort = (): void => {
    undo()
    giveUp(signal!.reason)
  }
  const onTimeout = (): void => {
    undo()
    giveUp(new RpcError('ERR_CALL_TIMEOUT', `not answered within ${timeout} ms`))
  }
  const timer = timeout === undefined ? undefined : setTimeout(onTimeout, timeout)
  if (signal) onceAborted(signal, onAbort)
  return undo
}

/** Who waits for which signal: many calls may have the same, and it is listened to once. */
const waiting = new WeakMap<AbortSignal, { calls: Set<() => void>; listener: () => void }>()

function onceAborted(signal: AbortSignal, call: () => void): void {
  let entry = waiting.get(signal)
  if (!entry) {
    const calls = new Set<() => void>()
    entry = { calls, listener: () => calls.forEach(each => each()) }
    waiting.set(signal, entry)
    signal.addEventListener('abort', entry.listener, { once: true })
  }
  entry.calls.add(call)
}

function forgetAbort(signal: AbortSignal, call: () => void): void {
  const entry = waiting.get(signal)
  if (!entry?.calls.delete(call) || entry.calls.size) return
  signal.removeEventListener('abort', entry.listener)
  waiting.delete(signal)
}
