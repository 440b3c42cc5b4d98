import { setTimeout } from 'node:timers'
import type { Responder } from './responder.js'

/** Reports to the caller why this process exits, after the results of finished calls. */
export class ExitReport {
  /** Where the report goes. */
  responder: Responder | undefined
  /** Whether this process can do nothing more before a promise has settled. */
  isAwaiting = false
  /** The error that is being handled as uncaught. */
  #uncaught: { error: unknown } | undefined
  #isStranded = false
  readonly #onUncaught = (error: unknown): void => {
    if (process.hasUncaughtExceptionCaptureCallback()) return // the process goes on
    this.#uncaught = { error }
    // A listener may exit. If all of them return, the process goes on, and a later exit has another reason.
    if (process.listenerCount('uncaughtException')) process.once('uncaughtException', this.#onHandled)
  }
  readonly #onHandled = (): void => {
    this.#uncaught = undefined
  }
  readonly #onBeforeExit = (): void => {
    this.#isStranded = this.isAwaiting
    setTimeout(() => (this.#isStranded = false), 1).unref() // a later listener has found more work
  }
  readonly #onExit = (): void => {
    try {
      if (this.#uncaught) this.responder?.uncaught(this.#uncaught.error)
      else if (this.#isStranded) this.responder?.stranded()
      this.responder?.writeAll()
    } catch {
      // the caller is gone
    }
  }

  start(): void {
    process.on('uncaughtExceptionMonitor', this.#onUncaught)
    process.on('beforeExit', this.#onBeforeExit)
    process.on('exit', this.#onExit)
  }

  stop(): void {
    process.off('uncaughtExceptionMonitor', this.#onUncaught)
    process.off('beforeExit', this.#onBeforeExit)
    process.off('exit', this.#onExit)
  }
}
