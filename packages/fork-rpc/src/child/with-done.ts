/** Ends a call: with a result, or with an error. */
export interface Done {
  (result?: unknown): void
  /** The call rejects with this. */
  fail(error: unknown): void
}

/**
 * Makes a function that is given `done`, to be called with the result at any time, into
 * one that returns the result, or a promise of it: the way of AnyEvent::Fork::RPC's
 * asynchronous backend. Responses are in order with events: one that is made before the
 * function returns is sent at once.
 *
 * @param call - what it throws, or rejects with, before `done` was called is the error of the call; `done` counts once
 */
export function withDone<A extends unknown[]>(call: (done: Done, ...args: A) => unknown): (...args: A) => unknown {
  return (...args) => {
    let outcome: { result: unknown } | { error: unknown } | undefined
    let settle: (() => void) | undefined
    const end = (how: typeof outcome): void => {
      if (outcome) return
      outcome = how
      settle?.()
    }
    const value = (): unknown => {
      if ('error' in outcome!) throw outcome.error
      return (outcome as { result: unknown }).result
    }
    try {
      const returned = call(
        Object.assign((result?: unknown) => end({ result }), { fail: (error: unknown) => end({ error }) }),
        ...args,
      )
      if (isThenable(returned)) returned.then(undefined, (error: unknown) => end({ error }))
    } catch (error) {
      end({ error })
    }
    return outcome ? value() : new Promise<void>(resolve => (settle = resolve)).then(value)
  }
}

/** Whether a value is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
