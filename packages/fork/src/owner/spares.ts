/** How to make, check, and end spares: forks, or workers made of them. */
export interface SpareKind<T> {
  /** @throws if there is no room for one now */
  make(): T
  /** Whether a spare can still be used. */
  isAlive(spare: T): boolean
  /** Ends a spare that was not used. Resolves when it has ended, and never rejects. */
  end(spare: T): Promise<unknown>
}

/** Keeps spares ready, each made in advance. */
export class Spares<T> {
  readonly #kind: SpareKind<T>
  readonly #spares: T[] = []
  #count: number
  #isRefilling = false
  #hasEnded = false

  /** @param count - how many spares to keep */
  constructor(count: number, kind: SpareKind<T>) {
    this.#count = count
    this.#kind = kind
    this.#refill()
  }

  /** How many spares can be taken, or are being made. */
  get length(): number {
    return this.#spares.reduce((sum, spare) => (this.#kind.isAlive(spare) ? sum + 1 : sum), 0)
  }

  /** Changes how many spares to keep. Ends those that are too many. */
  setCount(count: number): void {
    this.#count = count
    void this.#end(this.#spares.splice(count))
    this.#refill()
  }

  /** Removes and returns a spare that is alive, if there is one, and schedules another in its place. */
  take(): T | undefined {
    if (!this.#count) return undefined
    let spare = this.#spares.shift()
    while (spare && !this.#kind.isAlive(spare)) spare = this.#spares.shift()
    this.#refill()
    return spare
  }

  /** Replaces all spares: what they are made from has changed. */
  renew(): void {
    void this.drop()
    this.#refill()
  }

  /** Ends the spares, until the next call of `take`, `renew`, or `setCount`. Resolves when they have ended. */
  async drop(): Promise<void> {
    await this.#end(this.#spares.splice(0))
  }

  /** Ends the spares, and makes no more. Resolves when they have ended. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await this.drop()
  }

  async #end(spares: readonly T[]): Promise<void> {
    await Promise.all(spares.map(spare => this.#kind.end(spare)))
  }

  /** Makes the missing spares in the next turn of the event loop. */
  #refill(): void {
    if (this.#isRefilling || this.#hasEnded || this.#spares.length >= this.#count) return
    this.#isRefilling = true
    setImmediate(() => this.#refillNow()).unref()
  }

  #refillNow(): void {
    this.#isRefilling = false
    try {
      while (!this.#hasEnded && this.#spares.length < this.#count) this.#spares.push(this.#kind.make())
    } catch {
      // there is no room for one now: the caller that needs it makes it, and gets the error
    }
  }
}
