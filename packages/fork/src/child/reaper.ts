import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isLinux } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { signalNumber } from '../errors.js'
import type { Ended } from '../protocol/reports.js'
import type { ForkServer } from './fork-server.js'

/** How long `child_process` gets to reap an ended child that this package does not know, in milliseconds. */
const ORPHAN_DELAY_MS = 1000

/**
 * Reports how the children end that were not forked here: orphans, and those that `child_process` has started. The fork
 * server reaps its own forks and the orphans that the owner has named.
 */
export class Reaper {
  readonly #server: ForkServer
  /** The children that `child_process` has started and reaps. */
  readonly #spawned = new Set<number>()
  readonly #onEnded: (ended: Ended) => void
  readonly #onNone: () => void
  readonly #out = new Int32Array(3)
  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#reapOrphans()
  }
  /** Ended children that are not known, and when they were first seen. */
  readonly #unknown = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param onNone - called when the last child that `child_process` has started has ended, and no other is left */
  constructor(server: ForkServer, onEnded: (ended: Ended) => void, onNone: () => void) {
    this.#server = server
    this.#onEnded = onEnded
    this.#onNone = onNone
  }

  /** The pids of the known children that have not been reaped. */
  get children(): ReadonlySet<number> {
    return new Set([...this.#server.children, ...this.#spawned])
  }

  get hasChildren(): boolean {
    return this.#spawned.size > 0 || this.#server.children.length > 0
  }

  /**
   * Whether there are unknown children: those of `child_process`, or orphans that the owner may still want reported.
   */
  get hasUnknownChildren(): boolean {
    const known = this.children
    return childrenOfThisProcess().some(pid => !known.has(pid))
  }

  /** Adds a child that `child_process` has started and reaps. */
  addSpawned(child: ChildProcess): void {
    const pid = child.pid!
    this.#spawned.add(pid)
    child.once('exit', (code, signal) => {
      if (!this.#spawned.delete(pid)) return
      this.#onEnded({ pid, code: code ?? -1, signal: signal ? signalNumber(signal) : 0 })
      if (!this.hasChildren) this.#onNone()
    })
  }

  /** Adds an orphan. If its former parent has reaped it already, reports an unknown exit. */
  adopt(pid: number): void {
    if (binding.peekEnded(pid, this.#out) < 0) this.#onEnded({ pid, code: -1, signal: 0 })
    else this.#server.addChild(pid)
  }

  /** Call this right after a fork: the children belong to the parent. */
  forget(): void {
    this.#spawned.clear()
    this.#unknown.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /**
   * Notes the ended children that are not known. They may belong to `child_process`, which reaps its own: only those
   * that are still there later are orphans. The kernel reports only the first; others may be behind it.
   *
   * @param first - the pid of that one
   */
  noteUnknown(first: number): void {
    if (!isLinux) return // this process gets no orphans, and may see the children of worker threads
    const now = performance.now()
    const known = this.children
    for (const pid of new Set([first, ...childrenOfThisProcess()])) {
      if (known.has(pid) || this.#unknown.has(pid) || binding.peekEnded(pid, this.#out) !== 1) continue
      this.#unknown.set(pid, now)
    }
    this.#timer ??= setTimeout(() => setImmediate(this.#onTimer), ORPHAN_DELAY_MS).unref()
  }

  #reapOrphans(): void {
    const longAgo = performance.now() - ORPHAN_DELAY_MS
    const known = this.children
    for (const [pid, since] of this.#unknown) {
      if (since > longAgo) continue
      this.#unknown.delete(pid)
      if (!known.has(pid) && binding.peekEnded(pid, this.#out) === 1) this.#reportAndReap()
    }
    const [next] = this.#unknown.keys()
    if (next !== undefined || binding.peekEnded(0, this.#out) === 1) this.noteUnknown(next ?? this.#out[0]!)
  }

  /** Reaps the child that `#out` describes. */
  #reportAndReap(): void {
    const [pid, code, signal] = this.#out as unknown as [number, number, number]
    binding.reap(pid)
    this.#onEnded({ pid, code, signal })
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
