import type { ForkProcess } from '@anyfork/fork-rpc'

/** Processes that were forked ahead. */
export class SpareProcesses {
  readonly #count: number
  readonly #fork: () => ForkProcess
  readonly #ready: ForkProcess[] = []
  #isRefilling = false
  #hasEnded = false

  constructor(count: number, fork: () => ForkProcess) {
    this.#count = count
    this.#fork = fork
    this.refill()
  }

  get length(): number {
    return this.#ready.length
  }

  /** One of them, where there is one; another is forked when the event loop has done what it has to do now. */
  take(): ForkProcess | undefined {
    if (!this.#count) return undefined
    let process = this.#ready.shift()
    while (process && !process.isAlive) process = this.#ready.shift()
    this.refill()
    return process
  }

  refill(): void {
    if (this.#isRefilling || this.#ready.length >= this.#count) return
    this.#isRefilling = true
    setImmediate(() => this.#refillNow()).unref()
  }

  /** Lets those go that there are: they are of another time. */
  renew(): void {
    for (const process of this.#ready.splice(0)) discard(process)
    this.refill()
  }

  async end(): Promise<void> {
    this.#hasEnded = true
    await Promise.all(this.#ready.splice(0).map(discard))
  }

  #refillNow(): void {
    this.#isRefilling = false
    try {
      while (!this.#hasEnded && this.#ready.length < this.#count) this.#ready.push(this.#fork())
    } catch {
      // there is no room now: a worker that is needed is forked when it is needed, and tells
    }
  }
}

async function discard(process: ForkProcess): Promise<void> {
  process.kill('SIGKILL')
  await process.exited
}
