import type { ExitStatus } from '../errors.js'

/** Called when a process has ended. */
export type OnExit = (status: ExitStatus) => void

/**
 * Matches exit reports to the processes of a family, by pid. A report can come before the pid is known, because both
 * come over different sockets.
 */
export class ExitRegistry {
  readonly #byPid = new Map<number, OnExit>()
  readonly #unclaimed = new Map<number, ExitStatus>()
  #expected = 0

  /** A process was ordered whose pid will be known later. */
  expect(): void {
    this.#expected++
  }

  /** The process that was expected was not made. */
  cancelExpected(): void {
    if (--this.#expected === 0) this.#unclaimed.clear()
  }

  /** The pid of an expected process is known. */
  claim(pid: number, onExit: OnExit): void {
    const status = this.#unclaimed.get(pid)
    this.#unclaimed.delete(pid)
    this.cancelExpected()
    if (status) onExit(status)
    else this.#byPid.set(pid, onExit)
  }

  /** The exit of a process was reported. */
  ended(pid: number, status: ExitStatus): void {
    const onExit = this.#byPid.get(pid)
    this.#byPid.delete(pid)
    if (onExit) onExit(status)
    else if (this.#expected) this.#unclaimed.set(pid, status)
  }
}
