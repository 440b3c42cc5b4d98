import type { PoolSettings } from '../pool-options.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Decides when workers are started, and when those without calls end. */
export class Scaling {
  readonly #settings: PoolSettings
  readonly #workerSet: WorkerSet
  readonly #again: (isForced: boolean) => void
  #starter: NodeJS.Timeout | undefined
  #stopper: NodeJS.Timeout | undefined

  /** @param again - called when `adjust` should be, with whether calls have waited for as long as `start` */
  constructor(settings: PoolSettings, workerSet: WorkerSet, again: (isForced: boolean) => void) {
    this.#settings = settings
    this.#workerSet = workerSet
    this.#again = again
  }

  /**
   * To be called when that many calls wait that no worker has room for, or none do.
   *
   * @param isForced - whether calls have waited for as long as `start`
   */
  adjust(waiting: number, isForced = false): void {
    let missing = this.#missing(waiting)
    if (missing <= 0) this.#cancelStart()
    else {
      const { start } = this.#settings
      if (start > 0) {
        if (!isForced && this.#workerSet.ready.size + this.#workerSet.starting > 0) return this.#startLater(waiting > 0)
        missing = 1
      }
      while (missing-- > 0 && this.#workerSet.mayStart(() => this.#again(false), waiting > 0)) this.#workerSet.start()
    }
    if (!waiting) this.#stopSurplus()
  }

  end(): void {
    this.#cancelStart()
    clearTimeout(this.#stopper)
  }

  #missing(waiting: number): number {
    const { idle } = this.#settings
    const { starting, isHopeless } = this.#workerSet
    const forIdle = idle && !isHopeless ? idle - this.#workerSet.idle : 0
    return Math.max(waiting, forIdle) - starting
  }

  /**
   * One more in each such period.
   *
   * @param isNeeded - whether the program is kept running until then
   */
  #startLater(isNeeded: boolean): void {
    this.#starter ??= setTimeout(() => {
      this.#starter = undefined
      this.#again(true)
    }, this.#settings.start)
    if (isNeeded) this.#starter.ref()
    else this.#starter.unref()
  }

  #cancelStart(): void {
    clearTimeout(this.#starter)
    this.#starter = undefined
  }

  #stopSurplus(): void {
    const { idle, stop } = this.#settings
    if (this.#stopper || stop === Infinity || this.#workerSet.idle <= idle) return
    if (stop === 0) return this.#stopOne()
    this.#stopper = setTimeout(() => {
      this.#stopper = undefined
      if (this.#workerSet.idle > idle) this.#stopOne()
      this.#stopSurplus()
    }, stop).unref()
  }

  /** The one that has been without a call longest. */
  #stopOne(): void {
    let longest
    for (const worker of this.#workerSet.ready)
      if (!worker.load && (!longest || worker.lastFree < longest.lastFree)) longest = worker
    if (longest) void this.#workerSet.retire(longest)
  }
}
