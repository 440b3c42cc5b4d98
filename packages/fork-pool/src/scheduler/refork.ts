import type { Template } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Makes the worker a template that is the first to have had so many calls, generation after generation. */
export class Refork {
  readonly #calls: readonly number[]
  readonly #workerSet: WorkerSet
  readonly #restartWorkers: (make: () => Promise<Template>) => Promise<void>
  readonly #onError: (error: Error) => void
  #generation = 0
  #isUnderWay = false

  /** @param calls - for each generation; the last holds for all that come after */
  constructor(
    calls: readonly number[],
    workerSet: WorkerSet,
    restartWorkers: (make: () => Promise<Template>) => Promise<void>,
    onError: (error: Error) => void,
  ) {
    this.#calls = calls
    this.#workerSet = workerSet
    this.#restartWorkers = restartWorkers
    this.#onError = onError
  }

  /** To be called when a worker has answered a call. */
  consider(worker: Worker): void {
    const limit = this.#calls[Math.min(this.#generation, this.#calls.length - 1)]!
    if (worker.calls >= limit && !this.#isUnderWay && this.#workerSet.ready.has(worker)) void this.#promote(worker)
  }

  /** Where it fails, all is as before, but for the worker, which is replaced like any other. */
  async #promote(worker: Worker): Promise<void> {
    this.#isUnderWay = true
    let isReplaced = false
    try {
      this.#workerSet.forget(worker)
      await this.#restartWorkers(async () => {
        isReplaced = worker.isEnding // by a reload that was under way
        return this.#workerSet.templates.adopt(await worker.refork())
      })
      this.#generation++
    } catch (error) {
      if (!isReplaced && !this.#workerSet.hasEnded) this.#onError(error as Error) // at the end of the pool, none is needed
    }
    this.#isUnderWay = false
  }
}
