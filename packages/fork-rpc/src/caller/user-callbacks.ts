import { callSafely } from '@anyfork/fdpass/internal'
import type { RpcOptions } from '../options.js'

/** Calls the callbacks of a connection's options. */
export class UserCallbacks {
  readonly #options: RpcOptions
  readonly #name: string
  #hasWarned = false

  /** @param name - names the function or module in a warning */
  constructor(options: RpcOptions, name: string) {
    this.#options = options
    this.#name = name
  }

  /** Reports whether there is an event listener. The first time that there is none, emits a process warning. */
  checkEventListener(): boolean {
    if (this.#options.onEvent) return true
    if (!this.#hasWarned) process.emitWarning(`${this.#name} sent an event, but there is no onEvent`, 'AnyforkWarning')
    this.#hasWarned = true
    return false
  }

  event(values: readonly unknown[]): void {
    callSafely(() => this.#options.onEvent?.(...values))
  }

  /**
   * The process has ended.
   *
   * @param isRequested - whether it was asked to end
   * @param isReported - whether the failure is known anyway: a promise rejects with it, or an abort caused it
   */
  ended(failure: Error, isRequested: boolean, isReported: boolean): void {
    const { onError, onEvent, onDestroy } = this.#options
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
