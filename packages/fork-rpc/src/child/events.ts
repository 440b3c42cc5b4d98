import type { Responder } from './responder.js'

let responder: Responder | undefined
/** Whether this process has loaded a backend, so that it is a worker or a template. */
let hasBackend = false
let isServing = false

/** Sets where events go. Without a responder, `event()` throws in workers and templates. */
export function sendEventsTo(to?: Responder): void {
  responder = to
}

/** Call this when a backend is loaded. */
export function noteBackend(): void {
  hasBackend = true
}

/** Call this when this process begins to prepare for calls, and when it no longer serves them. */
export function setServing(serves: boolean): void {
  isServing = serves
}

/**
 * Reports whether this process serves calls, or prepares to, as during `init`. It is false in a program that imports the
 * module of a worker itself, such as a unit test, and in a template.
 */
export function isWorker(): boolean {
  return isServing
}

/**
 * Sends values to the caller's `onEvent`, in order with the results. Does nothing in a process that is neither a worker nor
 * a template, so that functions of a worker can be called by unit tests. Follows AnyEvent::Fork::RPC::event.
 *
 * @param values - values that the serialiser can carry, and `fd(handle)`; no iterators or async iterables
 * @throws Error in a worker that does not serve calls yet, as during `init`, and in a template
 * @throws TypeError if a value is an iterator or async iterable, or cannot be sent; the message has its path
 * @throws the serialiser's error for other values that it cannot carry
 */
export function event(...values: unknown[]): void {
  if (responder) responder.event(values)
  else if (hasBackend) throw new Error('event() works in a process that serves calls, after init')
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
