import type { Call } from './call.js'
import type { PoolStream } from './pool-stream.js'
import { type Ending, Statistics } from './statistics.js'

/** Counts the calls of a pool, settles them, and resolves `drained()` and `finished()`. */
export class CallTracker {
  readonly statistics: Statistics = new Statistics()
  readonly #acceptsCalls: () => boolean
  /** Calls that have been resolved with a stream that has not ended. */
  readonly #streams = new Set<Call>()
  #waiting = 0
  #waitingBytes = 0
  #ahead = 0
  #open = 0
  #onDrained: (() => void)[] = []
  #onFinished: (() => void)[] = []

  /** @param acceptsCalls - returns whether a new call would be accepted if no other call waited */
  constructor(acceptsCalls: () => boolean) {
    this.#acceptsCalls = acceptsCalls
  }

  /** How many calls wait for a worker. */
  get waiting(): number {
    return this.#waiting
  }

  /** The size of the encoded arguments of the waiting calls, in bytes. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** How many of the waiting calls were sent ahead. */
  get ahead(): number {
    return this.#ahead
  }

  /** How many calls a worker has, including those that wait inside it and those whose stream has not ended. */
  get running(): number {
    return this.#open - this.#waiting + this.#streams.size
  }

  /** Counts a new call, which waits for a worker. */
  add(call: Call): void {
    this.#open++
    this.enqueue(call)
  }

  /** Counts a call as waiting: it is new, it was taken back, or its worker has died. */
  enqueue(call: Call): void {
    this.#leaveAhead(call)
    if (call.isWaiting) return
    call.isWaiting = true
    this.#waiting++
    this.#waitingBytes += call.bytes
  }

  /** Counts a waiting call as sent ahead. */
  sendAhead(call: Call): void {
    call.isAhead = true
    this.#ahead++
  }

  #leaveAhead(call: Call): void {
    if (!call.isAhead) return
    call.isAhead = false
    this.#ahead--
  }

  /** Counts a call as no longer waiting. */
  dequeue(call: Call): void {
    this.#leaveAhead(call)
    if (!call.isWaiting) return
    call.isWaiting = false
    this.#waiting--
    this.#waitingBytes -= call.bytes
  }

  /** @param value - the result if `ending` is 'done', else the error */
  settle(call: Call, ending: Ending, value: unknown): void {
    this.dequeue(call)
    this.#open--
    this.statistics.recordEnding(ending)
    if (ending === 'done') call.resolve(value)
    else if (ending === 'aborted')
      call.reject(value) // the user's own value
    else call.fail(value)
  }

  /** Settles a call that its worker has answered, or that could not be sent to the worker. */
  answer(call: Call, hasFailed: boolean, value: unknown, now: number): void {
    if (call.beganAt) this.statistics.recordTimes(call.beganAt - call.madeAt, now - call.beganAt)
    this.settle(call, hasFailed ? 'failed' : 'done', value)
  }

  /** Resolves a call with a stream. The statistics count the call when the stream ends. */
  beginStream(call: Call, stream: PoolStream): void {
    this.#open--
    this.#streams.add(call)
    call.resolve(stream)
  }

  /** Counts the end of a stream. Returns false if the call has no stream, or its stream has ended before. */
  endStream(call: Call, ending: Ending, now: number): boolean {
    if (!this.#streams.delete(call)) return false
    this.statistics.recordTimes(call.beganAt - call.madeAt, now - call.beganAt)
    this.statistics.recordEnding(call.streamEnding ?? ending)
    return true
  }

  /** Resolves when no call waits for a worker and a new call would be accepted. */
  drained(): Promise<void> {
    return this.#isDrained ? Promise.resolve() : new Promise(resolve => this.#onDrained.push(resolve))
  }

  /** Resolves when all calls have settled. */
  finished(): Promise<void> {
    return this.#open ? new Promise(resolve => this.#onFinished.push(resolve)) : Promise.resolve()
  }

  /** Resolves the promises of `drained()` and `finished()` whose condition holds. Call this after each change. */
  announce(): void {
    if (this.#onDrained.length && this.#isDrained) for (const resolve of this.#onDrained.splice(0)) resolve()
    if (!this.#open && this.#onFinished.length) for (const resolve of this.#onFinished.splice(0)) resolve()
  }

  get #isDrained(): boolean {
    return !this.#waiting && this.#acceptsCalls()
  }
}
