import { PoolError } from './errors.js'
import type { PoolSettings } from './pool-options.js'
import type { Scheduler } from './scheduler/scheduler.js'
import { enforceMemoryLimits } from './worker/memory-limit.js'

/** Reloads, closes, and destroys a pool. */
export class Lifecycle {
  readonly #scheduler: Scheduler
  readonly #onDestroy: (() => void) | undefined
  readonly #stopMeasuring: () => void
  #closing: Promise<void> | undefined
  #destroying: Promise<void> | undefined
  #hasEnded = false

  constructor(scheduler: Scheduler, settings: PoolSettings) {
    this.#scheduler = scheduler
    this.#onDestroy = settings.onDestroy
    this.#stopMeasuring = enforceMemoryLimits(scheduler, settings)
  }

  async reload(): Promise<void> {
    const { admission, rollingRestart, workerSet } = this.#scheduler
    if (admission.refusal) throw admission.refusal
    await rollingRestart.run(async () => workerSet.templates.make())
  }

  /** @param timeout - after how many milliseconds to destroy the pool */
  close(timeout: number = Infinity): Promise<void> {
    const { admission, tracker } = this.#scheduler
    admission.refusal ??= new PoolError('ERR_POOL_CLOSED', 'the pool was closed before the call')
    tracker.announce() // drained() would otherwise wait for a pool that accepts calls
    const killer = timeout === Infinity ? undefined : setTimeout(() => void this.destroy(), timeout)
    this.#closing ??= tracker.finished().then(() => this.#destroying ?? this.#end('end'))
    return this.#closing.finally(() => clearTimeout(killer))
  }

  destroy(): Promise<void> {
    if (!this.#destroying) {
      const error = new PoolError('ERR_POOL_DESTROYED', 'the pool was destroyed')
      this.#scheduler.admission.refusal = error
      this.#destroying = this.#end('kill')
      this.#scheduler.rejectAll(error)
      this.#closing ??= this.#destroying
    }
    return this.#destroying
  }

  async #end(how: 'end' | 'kill'): Promise<void> {
    this.#stopMeasuring()
    await this.#scheduler.end(how)
    await this.#scheduler.rollingRestart.finished()
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onDestroy?.()
  }
}
