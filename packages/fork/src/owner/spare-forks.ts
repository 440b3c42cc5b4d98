/** What spare forks need of a process. */
interface Spare {
  readonly isAlive: boolean
  readonly exited: Promise<unknown>
  kill(signal: 'SIGKILL'): boolean
}

/** Forks that are made in advance, so that nobody has to wait for them. */
export class SpareForks<P extends Spare> {
  readonly #fork: () => P
  readonly #processes: P[] = []
  #count: number
  #isRefilling = false
  #hasEnded = false

  /**
   * @param count - how many forks to keep
   * @param fork - makes one
   */
  constructor(count: number, fork: () => P) {
    this.#count = count
    this.#fork = fork
    this.#refill()
  }

  /** How many forks are ready, or are being made. */
  get length(): number {
    return this.#processes.reduce((sum, { isAlive }) => (isAlive ? sum + 1 : sum), 0)
  }

  /** Changes how many forks to keep. Ends those that are too many. */
  setCount(count: number): void {
    this.#count = count
    this.#discard(this.#processes.splice(count))
    this.#refill()
  }

  /** Removes and returns a live process, if there is one, and schedules a fork to replace it. */
  take(): P | undefined {
    if (!this.#count) return undefined
    let process = this.#processes.shift()
    while (process && !process.isAlive) process = this.#processes.shift()
    this.#refill()
    return process
  }

  /** Replaces all processes: what they were forked from has changed. */
  renew(): void {
    void this.drop()
    this.#refill()
  }

  /** Ends the processes, until the next call of `take`, `renew`, or `setCount`. Resolves when they have ended. */
  async drop(): Promise<void> {
    await this.#discard(this.#processes.splice(0))
  }

  /** Ends the processes, and makes no more. Resolves when they have ended. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await this.drop()
  }

  async #discard(processes: readonly P[]): Promise<void> {
    for (const process of processes) process.kill('SIGKILL')
    await Promise.all(processes.map(({ exited }) => exited))
  }

  /** Forks the missing processes after the event loop has handled what is pending. */
  #refill(): void {
    if (this.#isRefilling || this.#hasEnded || this.#processes.length >= this.#count) return
    this.#isRefilling = true
    setImmediate(() => this.#refillNow()).unref()
  }

  #refillNow(): void {
    this.#isRefilling = false
    try {
      while (!this.#hasEnded && this.#processes.length < this.#count) this.#processes.push(this.#fork())
    } catch {
      // there is no room for a process now; whoever needs one forks it, and gets the error
    }
  }
}
