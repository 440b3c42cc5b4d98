import type { CallTracker } from '../call/call-tracker.js'
import type { CallSettings } from '../call-options.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Decides which calls are taken. */
export class Admission {
  /** Why no more are. */
  refusal: PoolError | undefined
  readonly #workerSet: WorkerSet
  readonly #tracker: CallTracker
  readonly #settings: PoolSettings

  constructor(workerSet: WorkerSet, tracker: CallTracker, settings: PoolSettings) {
    this.#workerSet = workerSet
    this.#tracker = tracker
    this.#settings = settings
  }

  /**
   * @param hasRoom - whether a worker has that may serve it
   * @param unbound - how many calls, it included, may be served by a worker that is started
   */
  refusalOf({ signal }: CallSettings, hasRoom: boolean, unbound: number): { reason: unknown } | undefined {
    if (this.refusal) return { reason: this.refusal }
    if (signal?.aborted) return signal
    if (hasRoom || !this.#isFull(unbound)) return undefined
    return { reason: new PoolError('ERR_POOL_QUEUE_FULL', `${this.#tracker.waiting} calls wait already`) }
  }

  /** Whether a call would be taken now that no other waits. */
  isReceptive(hasRoom: boolean): boolean {
    return this.refusal !== undefined || hasRoom || !this.#isFull(Infinity)
  }

  /** Calls that only wait for a worker to be started do not count. */
  #isFull(unbound: number): boolean {
    const { maxQueue, load } = this.#settings
    return (
      maxQueue !== Infinity &&
      this.#tracker.waiting -
        Math.min(unbound, Math.max(0, this.#workerSet.starting + this.#workerSet.vacancies) * load) >=
        maxQueue
    )
  }
}
