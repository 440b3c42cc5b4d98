import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { binding } from '../binding.js'
import { signalNumber } from '../errors.js'

/** How long an ended child may wait for whoever else may want to reap it, in milliseconds. */
const ORPHAN_DELAY_MS = 1000

/** How a child ended: `code` is -1 when a signal ended it. */
export interface Ended {
  pid: number
  code: number
  signal: number
}

/** Reaps the children that were forked, and orphans of theirs, and tells how they ended. */
export class Reaper {
  readonly #children = new Set<number>()
  /** Those of them that `child_process` reaps. */
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
  /** Unknown children that have ended and are given their time, and since when. */
  readonly #unknown = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param onNone - called whenever the last child has ended */
  constructor(onEnded: (ended: Ended) => void, onNone: () => void) {
    this.#onEnded = onEnded
    this.#onNone = onNone
  }

  get hasChildren(): boolean {
    return this.#children.size > 0
  }

  /** Whether there are children that this object does not know: those of `child_process`, or orphans that it may be told to adopt. */
  get hasUnknownChildren(): boolean {
    return childrenOfThisProcess().some(pid => !this.#children.has(pid))
  }

  /** To be called before a child is forked, so that its end is not missed. */
  listen(): void {
    if (!this.#isListening) process.on('SIGCHLD', this.#onSignal)
    this.#isListening = true
  }

  add(pid: number): void {
    this.#children.add(pid)
  }

  /** A child that `child_process` has started, and reaps. */
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

  /** Takes on a process that was another's child, or tells that it has ended: nothing is known where its parent has reaped it. */
  adopt(pid: number): void {
    if (binding.peekEnded(pid, this.#out) < 0) this.#onEnded({ pid, code: -1, signal: 0 })
    else {
      this.#children.add(pid)
      this.#reapOwn()
    }
  }

  /** To be called right after a fork: the children are the parent's. */
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
   * Children that this object does not know may be those of `child_process`, which reaps
   * them itself: only what is still there much later is an orphan of nobody's.
   */
  #reap(): void {
    while (this.#isListening && binding.peekEnded(0, this.#out) === 1) {
      const pid = this.#out[0]!
      if (!this.#children.has(pid) || this.#spawned.has(pid)) {
        this.#noteUnknown(pid)
        return this.#reapOwn()
      }
      this.#tellAndReap()
    }
  }

  /** Only one child is told of that has ended; there may be more behind it. */
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
      if (binding.peekEnded(pid, this.#out) === 1) this.#tellAndReap()
    }
    this.#reap()
  }

  #reapOwn(): void {
    for (const pid of this.#children)
      if (!this.#spawned.has(pid) && binding.peekEnded(pid, this.#out) === 1) this.#tellAndReap()
  }

  /** What `#out` has. */
  #tellAndReap(): void {
    const [pid, code, signal] = this.#out as unknown as [number, number, number]
    const isOwn = this.#children.delete(pid)
    binding.reap(pid)
    this.#onEnded({ pid, code, signal })
    if (isOwn && !this.#children.size) this.#onNone()
  }
}

/** As the kernel lists them, proc_pid_task_children(5); none where it does not. */
function childrenOfThisProcess(): number[] {
  try {
    return readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
