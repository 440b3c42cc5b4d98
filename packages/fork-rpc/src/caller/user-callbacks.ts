import { bindContext, callSafely } from '@anyfork/fdpass/internal'
import type { RpcOptions } from '../options.js'

type Callbacks = Pick<RpcOptions, 'onEvent' | 'onError' | 'onDestroy'>

/** Calls the callbacks of a connection's options, in the async context in which the connection was made. */
export class UserCallbacks {
  readonly #callbacks: Callbacks
  readonly #name: string
  #hasWarned = false

  /** @param name - names the function or module in a warning */
  constructor({ onEvent, onError, onDestroy }: Callbacks, name: string) {
    this.#callbacks = {
      ...(onEvent && { onEvent: bindContext(onEvent) }),
      ...(onError && { onError: bindContext(onError) }),
      ...(onDestroy && { onDestroy: bindContext(onDestroy) }),
    }
    this.#name = name
  }

  /** Returns the option `onEvent`. Emits a process warning the first time that the option is missing. */
  eventListener(): RpcOptions['onEvent'] {
    const { onEvent } = this.#callbacks
    if (onEvent) return onEvent
    if (!this.#hasWarned) process.emitWarning(`${this.#name} sent an event, but there is no onEvent`, 'AnyforkWarning')
    this.#hasWarned = true
    return undefined
  }

  /**
   * The process has ended.
   *
   * @param isRequested - whether it was asked to end
   * @param isReported - whether the failure is known anyway: a promise rejects with it, or an abort caused it
   */
  ended(failure: Error, isRequested: boolean, isReported: boolean): void {
    const { onError, onEvent, onDestroy } = this.#callbacks
    if (isRequested) callSafely(() => onDestroy?.())
    else if (onError) callSafely(() => onError(failure))
    else if (onEvent) callSafely(() => onEvent('error', failure))
    else if (!isReported) {
      callSafely(() => {
        throw failure
      })
    }
  }
}
