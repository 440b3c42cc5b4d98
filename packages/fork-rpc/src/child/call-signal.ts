import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<CancellableCall>()

/** A running call that its caller may give up. */
export class CancellableCall {
  #controller: AbortController | undefined
  #isCancelled = false

  /** Made when it is asked for. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#isCancelled) this.#controller.abort()
    }
    return this.#controller.signal
  }

  /** Calls a function as part of this call. */
  run<T>(call: () => T): T {
    return current.run(this, call)
  }

  cancel(): void {
    this.#isCancelled = true
    this.#controller?.abort()
  }
}

/**
 * The signal of the call that is running, with the asynchronous backend: aborted when
 * the caller does not wait for its result any more, because of its `signal` or `timeout`.
 *
 * @returns a signal; one that is never aborted with the synchronous backend, which
 *   does not hear anything while a call runs, and where no call is running
 */
export function callSignal(): AbortSignal {
  return current.getStore()?.signal ?? new AbortController().signal // of its own: who listens to it does so as long as the call
}
