import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'
import type { RollingRestart } from './rolling-restart.js'

/** Turns a worker that has had a certain number of calls into the template, generation after generation. */
export class Refork {
  readonly #calls: readonly number[]
  readonly #workerSet: WorkerSet
  readonly #rollingRestart: RollingRestart
  readonly #onError: ((error: Error) => void) | undefined
  #generation = 0
  #isRunning = false

  /** @param calls - the number of calls for each generation; the last applies to all later ones */
  constructor(
    calls: readonly number[],
    workerSet: WorkerSet,
    rollingRestart: RollingRestart,
    onError: ((error: Error) => void) | undefined,
  ) {
    this.#calls = calls
    this.#workerSet = workerSet
    this.#rollingRestart = rollingRestart
    this.#onError = onError
  }

  /** Promotes a worker that has had enough calls. Call this after each answer of a worker. */
  consider(worker: Worker): void {
    const limit = this.#calls[Math.min(this.#generation, this.#calls.length - 1)]!
    if (worker.calls >= limit && !this.#isRunning && this.#workerSet.ready.has(worker)) void this.#promote(worker)
  }

  /** If this fails, the template stays, and the worker is replaced like any other. */
  async #promote(worker: Worker): Promise<void> {
    this.#isRunning = true
    let wasEnding = false
    try {
      this.#workerSet.release(worker)
      await this.#rollingRestart.run(async () => {
        wasEnding = worker.isEnding // an earlier rolling restart has replaced it
        return this.#workerSet.templates.adopt(await worker.refork())
      })
      this.#generation++
    } catch (error) {
      if (!wasEnding && !this.#workerSet.hasEnded) this.#onError?.(error as Error)
    }
    this.#isRunning = false
  }
}
