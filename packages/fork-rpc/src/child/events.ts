import type { Responder } from './responder.js'

let responder: Responder | undefined

/** Says where events go; nowhere any more without. */
export function sendEventsTo(to?: Responder): void {
  responder = to
}

/**
 * Sends values to the caller's `onEvent`, in order with the results. Follows AnyEvent::Fork::RPC::event.
 *
 * @throws Error in a process that serves no calls, and during `init`; TypeError for what is iterated over; what the
 *   serialiser throws for a value it cannot carry
 */
export function event(...values: unknown[]): void {
  if (!responder) throw new Error('event() works in a process that serves calls, once it does')
  responder.event(values)
}

/**
 * Writes all results and events so far, and waits while the caller does not read: for
 * before long work that blocks. Follows AnyEvent::Fork::RPC::flush.
 *
 * @returns whether they have been written; false when the caller is gone
 */
export function flush(): boolean {
  try {
    responder?.writeAll()
    return true
  } catch {
    return false
  }
}
