import type { CallTracker } from '../call/call-tracker.js'
import type { CallSettings } from '../call-options.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Decides which calls are accepted. */
export class Admission {
  /** The error with which all new calls reject, once the pool is closing. */
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
   * Returns why a new call is rejected, or `undefined` if it is accepted.
   *
   * @param bytes - the size of its encoded arguments, or 0 if it is not known yet
   * @param hasFreeSlot - whether a worker that may run the call has a free slot
   * @param unbound - the number of waiting calls that a new worker could run: those that no key binds to a worker
   */
  refusalOf(
    { signal }: CallSettings,
    bytes: number,
    hasFreeSlot: boolean,
    unbound: number,
  ): { reason: unknown } | undefined {
    if (this.refusal) return { reason: new PoolError(this.refusal.code, this.refusal.message) } // has the caller's stack
    if (signal?.aborted) return signal
    if (hasFreeSlot || !this.#isFull(unbound, bytes)) return undefined
    const { waiting, waitingBytes } = this.#tracker
    const calls = waiting === 1 ? '1 call is' : `${waiting} calls are`
    const text = `the queue is full: ${calls} waiting for a worker, with ${waitingBytes} bytes of arguments`
    return { reason: new PoolError('ERR_POOL_QUEUE_FULL', text) }
  }

  /** Returns whether a call would be accepted now. A closing pool counts as accepting, so that `drained()` resolves. */
  acceptsCalls(hasFreeSlot: boolean): boolean {
    return this.refusal !== undefined || hasFreeSlot || !this.#isFull(Infinity, 0)
  }

  /**
   * Calls that only wait until a worker has started do not count. A call that is too large for the queue may be the only
   * one that counts.
   */
  #isFull(unbound: number, bytes: number): boolean {
    const { maxQueue, load } = this.#settings
    if (maxQueue.calls === Infinity && maxQueue.bytes === Infinity) return false
    const newSlots = Math.max(0, this.#workerSet.starting + this.#workerSet.vacancies) * load
    const { waiting, waitingBytes } = this.#tracker
    const counted = waiting - Math.min(unbound, newSlots)
    return counted >= maxQueue.calls || (counted > 0 && waitingBytes + bytes > maxQueue.bytes)
  }
}
