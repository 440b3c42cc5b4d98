/** A call that has not been answered. */
export interface PendingCall {
  resolve(value: unknown): void
  reject(error: unknown): void
  /** Increases with each call, in the order of the calls. */
  readonly sequence: number
  /** Whether the call has been rejected already: its response will be ignored. */
  isAbandoned: boolean
  /** The reason why the call was aborted. With `awaitAbort`, it rejects only when the process is done with it. */
  aborted?: { reason: unknown }
  /** The IDs of the streams among its arguments. */
  readonly streams: readonly number[]
}

/** Receives the values of each event of a call. */
export type CallEventListener = (...values: unknown[]) => void

/** The IDs of calls with a listener of their own: they are not used again soon, so that no event reaches another call. */
const FIRST_LISTENING = 2 ** 31
const LAST_LISTENING = 2 ** 32 - 1

/** The pending calls, each under the ID that its response will carry. */
export class PendingCalls {
  readonly #calls: (PendingCall | undefined)[] = []
  /** The pending calls with a listener of their own. */
  readonly #listening = new Map<number, PendingCall>()
  readonly #listeners = new Map<number, CallEventListener>()
  #nextListening = FIRST_LISTENING
  readonly #free: number[] = []
  #sequence = 0
  #size = 0
  #abandoned = 0

  /** The number of pending calls. */
  get size(): number {
    return this.#size
  }

  /** The number of pending calls that are awaited: all but the abandoned ones. */
  get awaited(): number {
    return this.#size - this.#abandoned
  }

  /**
   * Reserves an ID, for `set` or `release`.
   *
   * @param listener - receives the events of the call until `stopListening`
   */
  reserve(listener?: CallEventListener): number {
    if (listener) return this.#reserveListening(listener)
    return this.#free.pop() ?? this.#calls.push(undefined) - 1
  }

  /** Frees an ID that was reserved but not used. */
  release(id: number): void {
    if (id < FIRST_LISTENING) this.#free.push(id)
    else this.#listeners.delete(id)
  }

  /** Returns the listener that receives the events of a call, if it has one of its own. */
  listenerOf(id: number): CallEventListener | undefined {
    return id < FIRST_LISTENING ? undefined : this.#listeners.get(id)
  }

  /** Call this when the call has settled, and its stream has ended. */
  stopListening(id: number): void {
    this.#listeners.delete(id)
  }

  set(
    id: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    streams: readonly number[],
  ): PendingCall {
    const call: PendingCall = { resolve, reject, sequence: ++this.#sequence, isAbandoned: false, streams }
    if (id < FIRST_LISTENING) this.#calls[id] = call
    else this.#listening.set(id, call)
    this.#size++
    return call
  }

  get(id: number): PendingCall | undefined {
    return id < FIRST_LISTENING ? this.#calls[id] : this.#listening.get(id)
  }

  /** Removes a call because its response has come or never will. Returns undefined if no call has this ID. */
  take(id: number): PendingCall | undefined {
    const call = this.get(id)
    if (!call) return undefined
    if (id < FIRST_LISTENING) {
      this.#calls[id] = undefined
      this.#free.push(id)
    } else this.#listening.delete(id)
    this.#size--
    if (call.isAbandoned) this.#abandoned--
    return call
  }

  /** Makes the response of a call be ignored. */
  abandon(call: PendingCall): void {
    call.isAbandoned = true
    this.#abandoned++
  }

  /** Reports whether a call is the oldest one. */
  isOldest({ sequence }: PendingCall): boolean {
    return (
      this.#calls.every(call => !call || call.sequence >= sequence) &&
      [...this.#listening.values()].every(call => call.sequence >= sequence)
    )
  }

  /** Rejects and removes all calls. */
  rejectAll(reason: unknown): void {
    for (const call of [...this.#calls, ...this.#listening.values()]) if (call && !call.isAbandoned) call.reject(reason)
    this.#listening.clear()
    this.#listeners.clear()
    this.#calls.length = this.#free.length = this.#size = this.#abandoned = 0
  }

  #reserveListening(listener: CallEventListener): number {
    do this.#nextListening = this.#nextListening === LAST_LISTENING ? FIRST_LISTENING : this.#nextListening + 1
    while (this.#listening.has(this.#nextListening) || this.#listeners.has(this.#nextListening))
    this.#listeners.set(this.#nextListening, listener)
    return this.#nextListening
  }
}
