import type { Outlet } from './responder.js'

let outlet: Outlet | undefined

/** Says where events go; nowhere any more without. */
export function connectEvents(to?: Outlet): void {
  outlet = to
}

/**
 * Sends values to the caller's `onEvent`, in order with the results. Follows AnyEvent::Fork::RPC::event.
 *
 * @throws Error in a process that serves no calls, and during `init`; TypeError for what is iterated over; what the
 *   serialiser throws for a value it cannot carry
 */
export function event(...values: unknown[]): void {
  if (!outlet) throw new Error('event() works in a process that serves calls, once it does')
  outlet.event(values)
}

/**
 * Writes all results and events so far, and waits while the caller does not read: for
 * before long work that blocks. Follows AnyEvent::Fork::RPC::flush.
 *
 * @returns whether they have been written; false when the caller is gone
 */
export function flush(): boolean {
  try {
    outlet?.writeAll()
    return true
  } catch {
    return false
  }
}
