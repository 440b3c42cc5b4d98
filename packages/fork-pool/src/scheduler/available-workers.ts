import type { PoolSettings } from '../pool-options.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** The workers that have a free slot. */
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

  /** Adds a worker if it accepts calls and has a free slot. */
  add(worker: Worker): void {
    if (worker.load < this.#settings.load && this.#workerSet.ready.has(worker) && !this.has(worker))
      this.#workers.push(worker)
  }

  /** Removes a worker if it has no free slot left. */
  update(worker: Worker): void {
    if (worker.load >= this.#settings.load) this.remove(worker)
  }

  remove(worker: Worker): void {
    const index = this.#workers.indexOf(worker)
    if (index >= 0) this.#workers.splice(index, 1)
  }

  /**
   * Lets the balancer choose a worker. Removes workers that have died unnoticed, and chooses again.
   *
   * @returns a worker that can be called, or `undefined` if no worker is available
   * @throws TypeError if the balancer returns anything but an available worker; any error that the balancer throws
   */
  choose(args: readonly unknown[]): Worker | undefined {
    while (this.#workers.length) {
      const worker = this.#settings.balancer(this.#workers, args) as Worker
      if (!this.has(worker)) throw new TypeError('the balancer must return one of the workers passed to it')
      if (worker.isUsable) return worker
      this.remove(worker)
      this.#workerSet.release(worker)
    }
    return undefined
  }
}
