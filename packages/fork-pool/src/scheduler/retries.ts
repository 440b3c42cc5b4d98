import type { Call } from '../call/call.js'
import type { CallTracker } from '../call/call-tracker.js'
import type { Placement } from './placement.js'

/** Decides what becomes of the calls of a worker that has died: each is repeated by another worker, or rejected. */
export class Retries {
  readonly #tracker: CallTracker
  readonly #placement: Placement

  constructor(tracker: CallTracker, placement: Placement) {
    this.#tracker = tracker
    this.#placement = placement
  }

  /**
   * @param begun - the calls that the worker may have begun: they are repeated as often as their `retries` says
   * @param waiting - the calls that it had not begun: they are always repeated, and that does not count
   */
  onLost(error: Error, begun: Call[], waiting: Call[]): void {
    for (const call of waiting.reverse()) this.#repeat(call, error)
    for (const call of begun.reverse()) {
      if (call.deaths++ >= call.options.retries) this.#tracker.settle(call, 'lost', error)
      else if (this.#repeat(call, error)) this.#tracker.statistics.counts.retried++
    }
  }

  /**
   * Lets a call wait for another worker. Rejects it if its arguments cannot be sent again: the lost worker has their
   * descriptors, or has begun to read their values.
   */
  #repeat(call: Call, error: Error): boolean {
    const isPossible = call.request?.isSendable === true
    if (isPossible) {
      call.beganAt = 0
      this.#tracker.enqueue(call)
      this.#placement.putBack(call)
    } else this.#tracker.settle(call, 'lost', error)
    return isPossible
  }
}
