import type { PoolSettings } from '../pool-options.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** The workers that have room for a call. */
export class AvailableWorkers {
  readonly #workerSet: WorkerSet
  readonly #settings: PoolSettings
  readonly #workers: Worker[] = []

  constructor(workerSet: WorkerSet, settings: PoolSettings) {
    this.#workerSet = workerSet
    this.#settings = settings
  }

  get length(): number {
    return this.#workers.length
  }

  has(worker: Worker): boolean {
    return this.#workers.includes(worker)
  }

  /** Adds it if it has room. */
  add(worker: Worker): void {
    if (worker.load < this.#settings.load && this.#workerSet.ready.has(worker) && !this.has(worker))
      this.#workers.push(worker)
  }

  /** Takes it out if it has no room any more. */
  update(worker: Worker): void {
    if (worker.load >= this.#settings.load) this.remove(worker)
  }

  remove(worker: Worker): void {
    const index = this.#workers.indexOf(worker)
    if (index >= 0) this.#workers.splice(index, 1)
  }

  /**
   * The one that is to get a call, if any; none that has died, even when nobody has told yet.
   *
   * @throws what the balancer throws; TypeError when it returns something else
   */
  choose(args: readonly unknown[]): Worker | undefined {
    while (this.#workers.length) {
      const worker = this.#settings.balancer(this.#workers, args) as Worker
      if (!this.has(worker)) throw new TypeError('a balancer returns one of the workers that it was given')
      if (worker.isUsable) return worker
      this.remove(worker)
      this.#workerSet.forget(worker)
    }
    return undefined
  }
}
