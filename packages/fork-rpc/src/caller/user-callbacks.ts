import { callSafely } from '@anyfork/fdpass/internal'
import type { RpcOptions } from '../options.js'

/** Who listens to a connection. */
export class UserCallbacks {
  readonly #options: RpcOptions
  readonly #name: string
  #hasWarned = false

  /** @param name - of what is connected, for a warning */
  constructor(options: RpcOptions, name: string) {
    this.#options = options
    this.#name = name
  }

  /** Whether anybody listens to events; warns once when not. */
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
   * @param isRequested - because it was asked to
   * @param isReported - whether somebody is told anyway, by a promise that rejects, or knows
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
