import type { Call, CallOwner } from '../call/call.js'
import { LinkedList } from '../call/call-queue.js'

/** The calls that a worker has, oldest first, and how long it has had any. */
export class RunningCalls {
  readonly #calls = new LinkedList<Call>()
  readonly #isAsync: boolean
  readonly #onTimeout: (call: Call) => void
  #busyMs = 0
  #busySince = 0

  /** @param isAsync - whether the worker runs its calls concurrently, rather than one after the other */
  constructor(isAsync: boolean, onTimeout: (call: Call) => void) {
    this.#isAsync = isAsync
    this.#onTimeout = onTimeout
  }

  get length(): number {
    return this.#calls.length
  }

  get first(): Call | undefined {
    return this.#calls.first
  }

  /** Returns a copy of the list. */
  toArray(): Call[] {
    return [...this.#calls]
  }

  /** Adds a call, which begins to run unless it waits inside the worker for others. */
  add(call: Call, owner: CallOwner): void {
    call.owner = owner
    this.#calls.push(call)
    const isFirst = this.#calls.length === 1
    if (!isFirst && !this.#isAsync) return
    const now = performance.now()
    if (isFirst) this.#busySince = now
    call.begin(now, this.#onTimeout)
  }

  remove(call: Call, now: number): void {
    this.#calls.remove(call)
    call.owner = undefined
    call.stopTimer()
    if (!this.#calls.length) this.#busyMs += now - this.#busySince
  }

  /** Removes all calls and returns them. */
  removeAll(): Call[] {
    const now = performance.now()
    const calls = this.toArray()
    for (const call of calls) this.remove(call, now)
    return calls
  }

  /** Begins the next call of a synchronous worker that has completed one. A call that has begun is not simply repeated. */
  beginNext(): void {
    const { first } = this.#calls
    if (first && !this.#isAsync && !first.beganAt && !first.isSettled) first.begin(performance.now(), this.#onTimeout)
  }

  /** How long the worker has had at least one call, in milliseconds. */
  busyMilliseconds(now: number): number {
    return this.#busyMs + (this.#calls.length ? now - this.#busySince : 0)
  }
}
