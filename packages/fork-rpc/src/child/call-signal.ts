import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<CancellableCall>()

/** A running call that its caller may cancel. */
export class CancellableCall {
  #controller: AbortController | undefined
  #isCancelled = false

  /** Created on first use. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#isCancelled) this.#controller.abort()
    }
    return this.#controller.signal
  }

  /** Calls a function in the context of this call. */
  run<T>(call: () => T): T {
    return current.run(this, call)
  }

  cancel(): void {
    this.#isCancelled = true
    this.#controller?.abort()
  }
}

/**
 * Returns the signal of the running call. With the option `async`, it is aborted when the caller aborts the call, by
 * its `signal` or `timeout`, or stops iterating over its result.
 *
 * @returns a signal that is never aborted if the caller passed no options to `with()`, if no call is running, or
 *   without `async`: a blocking process hears nothing while a call runs
 */
export function callSignal(): AbortSignal {
  // A new signal each time, so that its listeners live only as long as the call.
  return current.getStore()?.signal ?? new AbortController().signal
}
