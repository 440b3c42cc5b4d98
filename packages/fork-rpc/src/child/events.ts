import type { Outlet } from './outlet.js'

let outlet: Outlet | undefined

/** Says where events go. */
export function connectEvents(to: Outlet): void {
  outlet = to
}

/**
 * Sends values to the caller's `onEvent`, in order with the results. Follows AnyEvent::Fork::RPC::event.
 *
 * @throws Error in a process that serves no calls; what the serialiser throws for a value it cannot carry
 */
export function event(...values: unknown[]): void {
  if (!outlet) throw new Error('event() works in a process that serves calls, once it does')
  outlet.event(values)
}
