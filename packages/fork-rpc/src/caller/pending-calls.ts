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

/** The pending calls, each under the ID that its response will carry. */
export class PendingCalls {
  readonly #calls: (PendingCall | undefined)[] = []
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

  /** Reserves an ID, for `set` or `release`. */
  reserve(): number {
    return this.#free.pop() ?? this.#calls.push(undefined) - 1
  }

  /** Frees an ID that was reserved but not used. */
  release(id: number): void {
    this.#free.push(id)
  }

  set(
    id: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    streams: readonly number[],
  ): PendingCall {
    const call: PendingCall = { resolve, reject, sequence: ++this.#sequence, isAbandoned: false, streams }
    this.#calls[id] = call
    this.#size++
    return call
  }

  get(id: number): PendingCall | undefined {
    return this.#calls[id]
  }

  /** Removes a call because its response has come or never will. Returns undefined if no call has this ID. */
  take(id: number): PendingCall | undefined {
    const call = this.#calls[id]
    if (!call) return undefined
    this.#calls[id] = undefined
    this.#free.push(id)
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
    return this.#calls.every(call => !call || call.sequence >= sequence)
  }

  /** Rejects and removes all calls. */
  rejectAll(reason: unknown): void {
    for (const call of this.#calls) if (call && !call.isAbandoned) call.reject(reason)
    this.#calls.length = this.#free.length = this.#size = this.#abandoned = 0
  }
}
