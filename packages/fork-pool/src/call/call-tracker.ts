import type { Call } from './call.js'
import type { PoolStream } from './pool-stream.js'
import { type Ending, Statistics } from './statistics.js'

/** How many calls there are, how they end, and who waits until there are none. */
export class CallTracker {
  readonly statistics: Statistics = new Statistics()
  /** Calls that wait for a worker, and all that are not settled. */
  waiting = 0
  open = 0
  /** Calls that are settled, with something to iterate over that is not over. */
  readonly streams: Set<Call> = new Set()
  /** Whether a call would be taken that is made when none waits. */
  isReceptive: () => boolean = () => true
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

  /** The same for one that was answered with something to iterate over: how it ends is counted when that is over. */
  beginStream(call: Call, stream: PoolStream): void {
    this.open--
    this.streams.add(call)
    call.resolve(stream)
  }

  /** Whether it was not over yet. */
  endStream(call: Call, ending: Ending, now: number): boolean {
    const isOpen = this.streams.delete(call)
    if (isOpen) {
      this.statistics.answered(call.beganAt - call.madeAt, now - call.beganAt)
      this.statistics.ended(call.streamEnding ?? ending)
    }
    return isOpen
  }

  /** Resolves when no call waits for a worker, and another would be taken. */
  drained(): Promise<void> {
    return this.#isDrained ? Promise.resolve() : new Promise(resolve => this.#onDrained.push(resolve))
  }

  /** Resolves when all calls are settled. */
  finished(): Promise<void> {
    return this.open ? new Promise(resolve => this.#onFinished.push(resolve)) : Promise.resolve()
  }

  get #isDrained(): boolean {
    return !this.waiting && this.isReceptive()
  }

  /** To be called when the counts have changed. */
  announce(): void {
    if (this.#onDrained.length && this.#isDrained) for (const resolve of this.#onDrained.splice(0)) resolve()
    if (!this.open) for (const resolve of this.#onFinished.splice(0)) resolve()
  }
}
