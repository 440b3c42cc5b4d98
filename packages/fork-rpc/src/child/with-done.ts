/** The callback of a function for `withDone`. */
export interface Done {
  /** Makes the call resolve with a result. */
  (result?: unknown): void
  /** Makes the call reject with an error. */
  fail(error: unknown): void
}

/**
 * Converts a function that reports its result to a callback into one that returns its result. Follows the asynchronous
 * backend of AnyEvent::Fork::RPC. A result that is reported before the function returns is sent at once, so it stays in
 * order with events.
 *
 * @param call - gets `done`, then the arguments. Only the first of these counts: `done(result)`, `done.fail(error)`, an
 *   error that it throws, or a rejected promise that it returns. What it returns otherwise is ignored
 * @returns the function to export: returns the result, or a promise of it
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

/** Reports whether a value has to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
