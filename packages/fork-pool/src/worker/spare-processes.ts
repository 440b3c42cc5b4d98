import type { ForkProcess } from '@anyfork/fork-rpc'

/** Processes that are forked in advance, so that a worker need not wait for its fork. */
export class SpareProcesses {
  readonly #count: number
  readonly #fork: () => ForkProcess
  readonly #processes: ForkProcess[] = []
  #isRefilling = false
  #hasEnded = false

  /** @param count - how many processes to keep */
  constructor(count: number, fork: () => ForkProcess) {
    this.#count = count
    this.#fork = fork
    this.#refill()
  }

  get length(): number {
    return this.#processes.length
  }

  /** Removes and returns a live process, if there is one, and schedules a fork to replace it. */
  take(): ForkProcess | undefined {
    if (!this.#count) return undefined
    let process = this.#processes.shift()
    while (process && !process.isAlive) process = this.#processes.shift()
    this.#refill()
    return process
  }

  /** Replaces all processes: the template has changed. */
  renew(): void {
    for (const process of this.#processes.splice(0)) void discard(process)
    this.#refill()
  }

  async end(): Promise<void> {
    this.#hasEnded = true
    await Promise.all(this.#processes.splice(0).map(discard))
  }

  /** Forks the missing processes after the event loop has handled what is pending. */
  #refill(): void {
    if (this.#isRefilling || this.#processes.length >= this.#count) return
    this.#isRefilling = true
    setImmediate(() => this.#refillNow()).unref()
  }

  #refillNow(): void {
    this.#isRefilling = false
    try {
      while (!this.#hasEnded && this.#processes.length < this.#count) this.#processes.push(this.#fork())
    } catch {
      // the system has no room for a process now; the start of a worker forks its own and reports the error
    }
  }
}

async function discard(process: ForkProcess): Promise<void> {
  process.kill('SIGKILL')
  await process.exited
}
