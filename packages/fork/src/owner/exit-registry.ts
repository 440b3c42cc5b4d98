import type { ExitStatus } from '../errors.js'

/** Who wants to know how a process ended. */
export type OnExit = (status: ExitStatus) => void

/** The processes that descend from one interpreter, by pid, and how they ended. Reports come over several sockets, in no order. */
export class ExitRegistry {
  readonly #byPid = new Map<number, OnExit>()
  readonly #unclaimed = new Map<number, ExitStatus>()
  #expected = 0

  /** A process was asked for, its pid will come. */
  expect(): void {
    this.#expected++
  }

  /** No pid will come for one that was expected. */
  cancelExpected(): void {
    if (--this.#expected === 0) this.#unclaimed.clear()
  }

  /** The pid of a process that was expected. */
  claim(pid: number, onExit: OnExit): void {
    const status = this.#unclaimed.get(pid)
    this.#unclaimed.delete(pid)
    this.cancelExpected()
    if (status) onExit(status)
    else this.#byPid.set(pid, onExit)
  }

  /** Somebody reported the end of a process. */
  ended(pid: number, status: ExitStatus): void {
    const onExit = this.#byPid.get(pid)
    this.#byPid.delete(pid)
    if (onExit) onExit(status)
    else if (this.#expected) this.#unclaimed.set(pid, status)
  }
}
