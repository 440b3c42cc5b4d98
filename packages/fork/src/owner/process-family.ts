import { type Awaited, ExitRegistry } from './exit-registry.js'

/** What a family needs from each of its processes. */
export interface Relative<P> extends Awaited<P> {
  /** The pid by which the family reports how it ends; `undefined` until it is known. No process may be signalled by it. */
  readonly reportedPid: number | undefined
  /** Whether the process has ended and all its reports have been read. */
  readonly isGone: boolean
  /**
   * The process that reports this one's exit: the process that forked it or, after that process has exited, the root of
   * the family. The root has none.
   */
  reporter: P | undefined
  /** The forks of the process whose exit is not known yet. */
  readonly forks: Iterable<P>
  /** Makes the process keep this program running, or no longer. */
  keep(on: boolean): void
  /** Orders the process to report how another one ends, which it did not fork. */
  adopt(pid: number): void
  /** Settles everything that was promised about the process if no more reports can come. */
  settle(): void
}

/** An interpreter, the root, and all processes that descend from it. */
export class ProcessFamily<P extends Relative<P>> {
  readonly exits: ExitRegistry<P>
  readonly #root: P
  readonly #processes = new Set<P>()

  constructor(root: P) {
    this.#root = root
    this.exits = new ExitRegistry<P>(root)
  }

  /** The processes that are not gone. */
  get processes(): ReadonlySet<P> {
    return this.#processes
  }

  add(process: P): void {
    this.#processes.add(process)
  }

  /** Removes a process. Returns whether it was in the family. */
  remove(process: P): boolean {
    return this.#processes.delete(process)
  }

  /** Returns whether a process that descends from this one is not gone. */
  hasDescendants(ancestor: P): boolean {
    for (const process of this.#processes) if (reportersOf(process).includes(ancestor)) return true
    return false
  }

  /** Returns whether no process is left that could report how this one ended. */
  isUnreported({ reporter, reportedPid }: P): boolean {
    return reporter?.isGone === true && (reportedPid === undefined || this.#root.isGone)
  }

  /** Lets the root report the exit of a process whose pid has just become known, if its forker is gone already. */
  onPid(process: P): void {
    if (process.reporter?.isGone) this.#adopt(process)
  }

  /**
   * Lets the root report the exits of the forks of a process that is gone, and settles those that have no reporter
   * left.
   */
  onGone(process: P): void {
    for (const fork of process.forks) {
      if (fork.reportedPid === undefined || this.#root.isGone) fork.settle()
      else this.#adopt(fork)
    }
    if (process === this.#root) for (const orphan of this.#processes) orphan.settle()
  }

  /**
   * Keeps this program running while something is awaited from the process, and from those that may report its exit.
   *
   * @returns releases the hold; idempotent
   */
  hold(process: P): () => void {
    const held = [process, ...reportersOf(process)]
    for (const one of held) one.keep(true)
    let isHeld = true
    return () => {
      if (isHeld) for (const one of held) one.keep(false)
      isHeld = false
    }
  }

  #adopt(orphan: P): void {
    this.#root.adopt(orphan.reportedPid!)
    orphan.reporter = this.#root // so that no chain of ended ancestors stays in memory
  }
}

/** Returns the process that reports the exit of this one, the reporter of that one, and so on up to the root. */
function reportersOf<P extends Relative<P>>(process: P): P[] {
  const reporters: P[] = []
  for (let one = process.reporter; one; one = one.reporter) reporters.push(one)
  return reporters
}
