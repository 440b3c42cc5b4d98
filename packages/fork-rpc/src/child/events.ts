import type { Responder } from './responder.js'

let responder: Responder | undefined

/** Sets where events go. Without a responder, `event()` throws. */
export function sendEventsTo(to?: Responder): void {
  responder = to
}

/**
 * Sends values to the caller's `onEvent`, in order with the results. Follows AnyEvent::Fork::RPC::event.
 *
 * @param values - values that the serialiser can carry, and `fd(handle)`; no iterators or async iterables
 * @throws Error if the process serves no calls, or does not yet, as during `init`
 * @throws TypeError if a value is an iterator or async iterable, or cannot be sent
 * @throws the serialiser's error for other values that it cannot carry
 */
export function event(...values: unknown[]): void {
  if (!responder) throw new Error('event() works in a process that serves calls, after init')
  responder.event(values)
}

/**
 * Writes all results and events so far, and blocks until the caller has read enough of them. Call it before long work
 * that blocks. Follows AnyEvent::Fork::RPC::flush.
 *
 * @returns true if they have been written; false if the caller is gone
 */
export function flush(): boolean {
  try {
    responder?.writeAll()
    return true
  } catch {
    return false
  }
}
