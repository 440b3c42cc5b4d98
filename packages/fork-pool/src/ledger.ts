import type { Call } from './call.js'
import { Statistics, type Ending } from './statistics.js'

/** How many calls there are, how they end, and who waits until there are none. */
export class Ledger {
  readonly statistics: Statistics = new Statistics()
  /** Calls that wait for a worker, and all that are not settled. */
  waiting = 0
  open = 0
  #onDrained: (() => void)[] = []
  #onFinished: (() => void)[] = []

  /** Ends a call, with a result where it is done, else with an error. */
  settle(call: Call, ending: Ending, value: unknown): void {
    this.open--
    this.statistics.ended(ending)
    if (ending === 'done') call.resolve(value)
    else call.reject(value)
  }

  /** The same for one that a worker has answered, or that failed before it had begun there. */
  answer(call: Call, hasFailed: boolean, value: unknown, now: number): void {
    if (call.beganAt) this.statistics.answered(call.beganAt - call.madeAt, now - call.beganAt)
    this.settle(call, hasFailed ? 'failed' : 'done', value)
  }

  /** Resolves when no call waits for a worker. */
  drained(): Promise<void> {
    return this.waiting ? new Promise(resolve => this.#onDrained.push(resolve)) : Promise.resolve()
  }

  /** Resolves when all calls are settled. */
  finished(): Promise<void> {
    return this.open ? new Promise(resolve => this.#onFinished.push(resolve)) : Promise.resolve()
  }

  /** To be called when the counts have changed. */
  announce(): void {
    if (!this.waiting) for (const resolve of this.#onDrained.splice(0)) resolve()
    if (!this.open) for (const resolve of this.#onFinished.splice(0)) resolve()
  }
}
