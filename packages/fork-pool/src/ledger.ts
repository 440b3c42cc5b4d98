import { Statistics } from './statistics.js'

/** How many calls there are, and who waits until there are none. */
export class Ledger {
  readonly statistics: Statistics = new Statistics()
  /** Calls that wait for a worker, and all that are not settled. */
  waiting = 0
  open = 0
  #onDrained: (() => void)[] = []
  #onFinished: (() => void)[] = []

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
