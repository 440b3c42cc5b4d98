import type { ExitStatus } from '../errors.js'

/** A process whose exit is awaited. */
export interface Awaited<P> {
  /** The process that may report the exit, besides the root of the family. */
  readonly reporter: P | undefined
  /** Whether the kernel says that the process runs. */
  readonly isRunning: boolean
  /** Called when the process has ended. */
  onExit(status: ExitStatus): void
}

/** How many reports about processes whose pid is not known yet are kept. */
const MOST_UNCLAIMED = 1000

/** Matches exit reports to the processes of a family, by pid. */
export class ExitRegistry<P extends Awaited<P>> {
  readonly #root: P
  /** Usually one for each pid. Several, if a process has lied, or a pid is in use again before its end was read. */
  readonly #byPid = new Map<number, P[]>()
  readonly #unclaimed = new Map<number, ExitStatus>()
  #expected = 0

  /** @param root - the process that reports the exits of orphans */
  constructor(root: P) {
    this.#root = root
  }

  /** A process was ordered whose pid will be known later. */
  expect(): void {
    this.#expected++
  }

  /** The process that was expected was not made. */
  cancelExpected(): void {
    if (--this.#expected === 0) this.#unclaimed.clear()
  }

  /** The pid of an expected process is known. */
  claim(pid: number, process: P): void {
    const status = this.#unclaimed.get(pid)
    this.#unclaimed.delete(pid)
    this.cancelExpected()
    if (status && !process.isRunning) process.onExit(status)
    else this.#byPid.set(pid, [...(this.#byPid.get(pid) ?? []), process])
  }

  /**
   * A process has reported the exit of another one. The root may do so before the pid of that one is known here,
   * because both come over different sockets. What the root reports of other processes is ignored: it also reaps
   * orphans that are not known here, whose pid may be in use again.
   *
   * @throws TypeError if the report comes from another process than the root and the one that forked it, or if the
   *   process runs and the report is not the root's
   */
  ended(pid: number, status: ExitStatus, from: P): void {
    const awaited = this.#byPid.get(pid) ?? []
    const isRoot = from === this.#root
    const reportable = awaited.filter(({ reporter }) => isRoot || reporter === from)
    const gone = reportable.filter(({ isRunning }) => !isRunning)
    const ended = gone.find(({ reporter }) => reporter === from) ?? gone[0]
    if (ended) {
      const others = awaited.filter(one => one !== ended)
      if (others.length) this.#byPid.set(pid, others)
      else this.#byPid.delete(pid)
      ended.onExit(status)
    } else if (isRoot) {
      if (!awaited.length && this.#expected && this.#unclaimed.size < MOST_UNCLAIMED) this.#unclaimed.set(pid, status)
    } else if (reportable.length) throw new TypeError(`it has reported the exit of process ${pid}, which runs`)
    else if (awaited.length) throw new TypeError(`it has reported the exit of process ${pid}, which it did not fork`)
  }
}
