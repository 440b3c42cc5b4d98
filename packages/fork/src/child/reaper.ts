import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { binding } from '../binding.js'
import { signalNumber } from '../errors.js'
import type { Ended } from '../protocol/reports.js'

/** How long `child_process` gets to reap an ended child that this package does not know, in milliseconds. */
const ORPHAN_DELAY_MS = 1000

/** Reaps forked children and orphans, and reports how they ended. */
export class Reaper {
  readonly #children = new Set<number>()
  /** The children that `child_process` has started and reaps. */
  readonly #spawned = new Set<number>()
  readonly #onEnded: (ended: Ended) => void
  readonly #onNone: () => void
  readonly #out = new Int32Array(3)
  readonly #onSignal = (): void => this.#reap()
  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#reapOrphans()
  }
  #isListening = false
  /** Ended children that are not known, and when they were first seen. */
  readonly #unknown = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param onNone - called whenever the last child has ended */
  constructor(onEnded: (ended: Ended) => void, onNone: () => void) {
    this.#onEnded = onEnded
    this.#onNone = onNone
  }

  /** The pids of the known children that have not been reaped. */
  get children(): ReadonlySet<number> {
    return this.#children
  }

  get hasChildren(): boolean {
    return this.#children.size > 0
  }

  /**
   * Whether there are unknown children: those of `child_process`, or orphans that the owner may still want reported.
   */
  get hasUnknownChildren(): boolean {
    return childrenOfThisProcess().some(pid => !this.#children.has(pid))
  }

  /** Starts to listen for SIGCHLD. To be called before a fork, so that no exit is missed. */
  listen(): void {
    if (!this.#isListening) process.on('SIGCHLD', this.#onSignal)
    this.#isListening = true
  }

  add(pid: number): void {
    this.#children.add(pid)
  }

  /** Adds a child that `child_process` has started and reaps. */
  addSpawned(child: ChildProcess): void {
    const pid = child.pid!
    this.#children.add(pid)
    this.#spawned.add(pid)
    child.once('exit', (code, signal) => {
      this.#spawned.delete(pid)
      if (!this.#children.delete(pid)) return
      this.#onEnded({ pid, code: code ?? -1, signal: signal ? signalNumber(signal) : 0 })
      if (!this.#children.size) this.#onNone()
    })
  }

  /** Adds an orphan. If its former parent has reaped it already, reports an unknown exit. */
  adopt(pid: number): void {
    if (binding.peekEnded(pid, this.#out) < 0) this.#onEnded({ pid, code: -1, signal: 0 })
    else {
      this.#children.add(pid)
      this.#reapOwn()
    }
  }

  /** To be called right after a fork: the children belong to the parent. */
  forget(): void {
    this.#children.clear()
    this.#spawned.clear()
    this.#unknown.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isListening) process.off('SIGCHLD', this.#onSignal)
    this.#isListening = false
  }

  /**
   * Reaps the ended children that are known. Unknown ones may belong to `child_process`, which reaps its own: only
   * those that are still there later are orphans.
   */
  #reap(): void {
    while (this.#isListening && binding.peekEnded(0, this.#out) === 1) {
      const pid = this.#out[0]!
      if (!this.#children.has(pid) || this.#spawned.has(pid)) {
        this.#noteUnknown(pid)
        return this.#reapOwn()
      }
      this.#reportAndReap()
    }
  }

  /** Notes the ended children that are not known. The kernel reports only the first; others may be behind it. */
  #noteUnknown(first: number): void {
    const now = performance.now()
    for (const pid of new Set([first, ...childrenOfThisProcess()])) {
      if (this.#children.has(pid) || this.#unknown.has(pid) || binding.peekEnded(pid, this.#out) !== 1) continue
      this.#unknown.set(pid, now)
    }
    this.#timer ??= setTimeout(() => setImmediate(this.#onTimer), ORPHAN_DELAY_MS).unref()
  }

  #reapOrphans(): void {
    const longAgo = performance.now() - ORPHAN_DELAY_MS
    for (const [pid, since] of this.#unknown) {
      if (since > longAgo) continue
      this.#unknown.delete(pid)
      if (binding.peekEnded(pid, this.#out) === 1) this.#reportAndReap()
    }
    this.#reap()
  }

  #reapOwn(): void {
    for (const pid of this.#children)
      if (!this.#spawned.has(pid) && binding.peekEnded(pid, this.#out) === 1) this.#reportAndReap()
  }

  /** Reaps the child that `#out` describes. */
  #reportAndReap(): void {
    const [pid, code, signal] = this.#out as unknown as [number, number, number]
    const isOwn = this.#children.delete(pid)
    binding.reap(pid)
    this.#onEnded({ pid, code, signal })
    if (isOwn && !this.#children.size) this.#onNone()
  }
}

/** Returns the pids of all children, proc_tid_children(5); none if the kernel does not list them. */
function childrenOfThisProcess(): number[] {
  try {
    return readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
