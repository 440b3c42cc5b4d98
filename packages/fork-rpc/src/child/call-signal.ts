import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<CancellableCall>()

/** A running call that its caller may cancel. */
export class CancellableCall {
  readonly id: number
  #controller: AbortController | undefined
  #isCancelled = false

  /** @param id - the ID of the call */
  constructor(id: number) {
    this.id = id
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

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

/** Returns the call in whose context this code runs, if the caller may cancel that call. */
export function currentCall(): CancellableCall | undefined {
  return current.getStore()
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
  return currentCall()?.signal ?? new AbortController().signal
}
