/** A call that has not been answered. */
export interface PendingCall {
  resolve(value: unknown): void
  reject(error: unknown): void
  /** Calls are numbered in the order in which they were made. */
  readonly sequence: number
  /** Whether the caller has been told already, and the answer will be ignored. */
  isAbandoned: boolean
  /** Why it was given up, where the caller is told only when the process is done with it. */
  aborted?: { reason: unknown }
  /** The streams among its arguments. */
  readonly streams: readonly number[]
}

/** Calls that have not been answered, each under the number that its answer will bear. */
export class PendingCalls {
  readonly #calls: (PendingCall | undefined)[] = []
  readonly #free: number[] = []
  #sequence = 0
  #size = 0
  #abandoned = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** How many somebody waits for. */
  get awaited(): number {
    return this.#size - this.#abandoned
  }

  /** Reserves a number, for `set` or `release`. */
  reserve(): number {
    return this.#free.pop() ?? this.#calls.push(undefined) - 1
  }

  /** Gives back a number that was reserved and not used. */
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

  /** Forgets a call, because it was answered or never will be; undefined when there is none of this number. */
  take(id: number): PendingCall | undefined {
    const call = this.#calls[id]
    if (!call) return undefined
    this.#calls[id] = undefined
    this.#free.push(id)
    this.#size--
    if (call.isAbandoned) this.#abandoned--
    return call
  }

  /** Its answer will be ignored. */
  abandon(call: PendingCall): void {
    call.isAbandoned = true
    this.#abandoned++
  }

  /** Whether no call was made before this one. */
  isOldest({ sequence }: PendingCall): boolean {
    return this.#calls.every(call => !call || call.sequence >= sequence)
  }

  /** Rejects all. */
  rejectAll(reason: unknown): void {
    for (const call of this.#calls) if (call && !call.isAbandoned) call.reject(reason)
    this.#calls.length = this.#free.length = this.#size = this.#abandoned = 0
  }
}
