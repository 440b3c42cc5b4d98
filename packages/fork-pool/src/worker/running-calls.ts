import type { Call, CallOwner } from '../call/call.js'
import { LinkedList } from '../call/call-queue.js'

/** What happens to the calls of a worker. */
export interface RunningCallsListener {
  /** A call begins to run. */
  onBegin(call: Call): void
  /** A call with a limit of processor time is over. */
  onEnd(call: Call): void
  onTimeout(call: Call): void
}

/** The calls that a worker has, oldest first, and how long it has had any. */
export class RunningCalls {
  readonly #calls = new LinkedList<Call>()
  readonly #isAsync: boolean
  readonly #listener: RunningCallsListener
  readonly #onTimeout: (call: Call) => void
  #busyMs = 0
  #busySince = Infinity

  /** @param isAsync - whether the worker runs its calls concurrently, rather than one after the other */
  constructor(isAsync: boolean, listener: RunningCallsListener) {
    this.#isAsync = isAsync
    this.#listener = listener
    this.#onTimeout = call => listener.onTimeout(call)
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

  /**
   * Adds a call, which begins to run unless it waits inside the worker for others.
   *
   * @param isReady - whether the worker has started. If not, the call begins with `beginFirst`
   */
  add(call: Call, owner: CallOwner, isReady: boolean): void {
    call.owner = owner
    this.#calls.push(call)
    const isFirst = this.#calls.length === 1
    if (!isReady || (!isFirst && !this.#isAsync)) return
    const now = performance.now()
    if (isFirst) this.#busySince = now
    this.#begin(call, now)
  }

  /** Begins the call that the worker got before it had started, if any. */
  beginFirst(now: number): void {
    const { first } = this.#calls
    if (!first) return
    this.#busySince = now
    this.#begin(first, now)
  }

  remove(call: Call, now: number): void {
    this.#calls.remove(call)
    call.owner = undefined
    call.stopTimer()
    if (call.options.cpuMs !== undefined) this.#listener.onEnd(call)
    if (this.#calls.length) return
    this.#busyMs += Math.max(0, now - this.#busySince)
    this.#busySince = Infinity
  }

  /** Removes all calls and returns them. */
  removeAll(): Call[] {
    const now = performance.now()
    const calls = this.toArray()
    for (const call of calls) this.remove(call, now)
    return calls
  }

  /** Begins the next call of a synchronous worker that has completed one. A call that has begun is not simply repeated. */
  beginNext(now: number): void {
    const { first } = this.#calls
    if (first && !this.#isAsync && !first.beganAt && !first.isSettled) this.#begin(first, now)
  }

  #begin(call: Call, now: number): void {
    call.begin(now, this.#onTimeout)
    this.#listener.onBegin(call)
  }

  /**
   * Takes back the calls that have not begun, and returns them in their order. The worker may begin some meanwhile, so the
   * last is taken back first: no call is taken back if a later one begins.
   */
  takeBackAll(now: number): Call[] {
    const taken: Call[] = []
    for (let call = this.#calls.last; call; ) {
      const { previous } = call
      if (call.isAhead && call.takeBack?.()) {
        this.remove(call, now)
        taken.push(call)
      }
      call = previous
    }
    return taken.reverse()
  }

  /** How long the worker has had at least one call, in milliseconds. */
  busyMilliseconds(now: number): number {
    return this.#busyMs + Math.max(0, now - this.#busySince)
  }
}
