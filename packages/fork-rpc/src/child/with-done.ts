/** Ends a call: with a result, or with an error. */
export interface Done {
  (result?: unknown): void
  /** The call rejects with this. */
  fail(error: unknown): void
}

/**
 * Makes a function that is given `done`, to be called with the result at any time, into
 * one that returns a promise: the way of AnyEvent::Fork::RPC's asynchronous backend.
 *
 * @param call - what it throws before `done` was called is the error of the call; `done` counts once
 */
export function withDone<A extends unknown[]>(call: (done: Done, ...args: A) => void): (...args: A) => Promise<unknown> {
  return (...args) => new Promise((resolve, reject) => call(Object.assign((result?: unknown) => resolve(result), { fail: reject }), ...args))
}
