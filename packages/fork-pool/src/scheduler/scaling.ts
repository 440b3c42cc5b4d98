import type { PoolSettings } from '../pool-options.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Starts workers when calls wait, and ends idle workers that are not needed. */
export class Scaling {
  readonly #settings: PoolSettings
  readonly #workerSet: WorkerSet
  readonly #adjustAgain: (hasWaited: boolean) => void
  #startTimer: NodeJS.Timeout | undefined
  #stopTimer: NodeJS.Timeout | undefined

  /** @param adjustAgain - called when `adjust` should be called again, with the value of its parameter `hasWaited` */
  constructor(settings: PoolSettings, workerSet: WorkerSet, adjustAgain: (hasWaited: boolean) => void) {
    this.#settings = settings
    this.#workerSet = workerSet
    this.#adjustAgain = adjustAgain
  }

  /**
   * Adjusts the number of workers. Call this after each change in the number of waiting calls or of workers.
   *
   * @param waiting - the number of calls for which no worker has a free slot
   * @param hasWaited - whether the option `start` has been waited out
   */
  adjust(waiting: number, hasWaited = false): void {
    let missing = this.#missing(waiting)
    if (missing <= 0) this.#cancelStart()
    else {
      const { start } = this.#settings
      if (start > 0) {
        if (!hasWaited && this.#workerSet.ready.size + this.#workerSet.starting > 0)
          return this.#startLater(waiting > 0)
        missing = 1
      }
      while (missing-- > 0 && this.#workerSet.tryToStart(() => this.#adjustAgain(false), waiting > 0))
        this.#workerSet.start()
    }
    if (!waiting) this.#stopSurplus()
  }

  end(): void {
    this.#cancelStart()
    clearTimeout(this.#stopTimer)
  }

  /** Returns how many more workers the waiting calls, or the option `idle`, require. */
  #missing(waiting: number): number {
    const { idle } = this.#settings
    const { starting, isHopeless } = this.#workerSet
    const missingIdle = idle && !isHopeless ? idle - this.#workerSet.idle : 0
    return Math.max(waiting, missingIdle) - starting
  }

  /** @param isNeeded - whether the timer keeps the program running */
  #startLater(isNeeded: boolean): void {
    this.#startTimer ??= setTimeout(() => {
      this.#startTimer = undefined
      this.#adjustAgain(true)
    }, this.#settings.start)
    if (isNeeded) this.#startTimer.ref()
    else this.#startTimer.unref()
  }

  #cancelStart(): void {
    clearTimeout(this.#startTimer)
    this.#startTimer = undefined
  }

  /** Ends one idle worker per `stop` milliseconds, as long as there are more than `idle`. */
  #stopSurplus(): void {
    const { idle, stop } = this.#settings
    if (this.#stopTimer || stop === Infinity || this.#workerSet.idle <= idle) return
    if (stop === 0) return this.#stopOne()
    this.#stopTimer = setTimeout(() => {
      this.#stopTimer = undefined
      if (this.#workerSet.idle > idle) this.#stopOne()
      this.#stopSurplus()
    }, stop).unref()
  }

  /** Retires the worker that has been idle longest. */
  #stopOne(): void {
    let longest
    for (const worker of this.#workerSet.ready)
      if (!worker.load && (!longest || worker.lastFree < longest.lastFree)) longest = worker
    if (longest) void this.#workerSet.retire(longest)
  }
}
