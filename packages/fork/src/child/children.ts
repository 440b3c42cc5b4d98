import { type Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { callBeforeFork } from '../fork-hooks.js'
import type { ForkMode, MadeBy } from '../mode.js'
import { Command, type Frame } from '../protocol/frame.js'
import { collectGarbage } from '../safety/garbage.js'
import type { Lifeline } from '../safety/lifeline.js'
import { waitForRequests } from '../safety/pending-requests.js'
import { assertNoForeignThreads, forgetThreads, hasForeignThreads, hasNewThreads } from '../safety/threads.js'
import { OrderLog } from './order-log.js'
import { type Ended, Reaper } from './reaper.js'
import { spawnReplay } from './replay.js'

/** A process that was made; its pid is 0 in itself, where it was forked. */
export interface Made {
  pid: number
  mode: MadeBy
}

/** Orders that load foreign code. */
export const LOADING: ReadonlySet<number> = new Set([Command.require, Command.eval, Command.warm])
/** The state of this process forbids a fork, or the system has none: a fresh copy can do without. */
const UNFORKABLE: ReadonlySet<unknown> = new Set(['ERR_FOREIGN_THREADS', 'ERR_PENDING_REQUESTS', 'ENOSYS'])

/** Makes the children of this process, one way or the other, and reaps them. */
export class Children {
  readonly #mode: ForkMode
  readonly #log: OrderLog
  readonly #reaper: Reaper
  #hasLoaded = true

  /** @param onNone - called whenever the last child has ended */
  constructor(mode: ForkMode, onEnded: (ended: Ended) => void, onNone: () => void) {
    this.#mode = mode
    this.#log = new OrderLog(mode === 'exec')
    this.#reaper = new Reaper(onEnded, onNone)
    this.#reaper.listen()
  }

  get isEmpty(): boolean {
    return !this.#reaper.hasChildren
  }

  /** Whether there are children that were not made here. */
  get hasUnknownChildren(): boolean {
    return this.#reaper.hasUnknownChildren
  }

  /** Takes note of an order to this process, which children are to have carried out, too. */
  note(order: Frame<Descriptor>): void {
    if (LOADING.has(order.type)) this.#hasLoaded = true
    if (this.#mode !== 'fork') this.#log.add(order)
  }

  /** A function runs, and was given the arguments so far. */
  noteRun(): void {
    this.#hasLoaded = true
    this.#log.forgetRun()
  }

  /** Once after loading: what is left moves no more, and children share it. Pages change only while no other thread can look. */
  async settleMemory(): Promise<void> {
    if (!this.#hasLoaded) return
    collectGarbage()
    this.#hasLoaded = false
    if (this.#mode === 'exec') return
    const isUnsafe = await hasForeignThreads().catch(() => true) // for want of a descriptor, say: it only makes forks quicker
    if (isUnsafe) return
    binding.refreshCodePages()
    // The first fork needs it, and Node loads it now, which takes 2 ms: with that, the code is
    // in memory again that loads and compiles, which children need, too.
    performance.now()
  }

  /** Takes on a process that was another's child. */
  adopt(pid: number): void {
    this.#reaper.adopt(pid)
  }

  /**
   * Makes a child.
   *
   * @returns the child, and what undoes the preparations, to be called where it is not the child
   * @param control - its control socket; borrowed
   * @throws why there can be none
   */
  async make(control: Descriptor, lifeline: Lifeline): Promise<[made: Made, undo: () => Promise<void>]> {
    const undo = await callBeforeFork()
    try {
      return [await this.#forkOrExec(control, lifeline), undo]
    } catch (error) {
      await undo().catch(() => {}) // the first error is told
      throw error
    }
  }

  /** To be called in a forked child: what this object knows is the parent's. */
  forget(): void {
    this.#reaper.forget()
    forgetThreads()
  }

  async #forkOrExec(control: Descriptor, lifeline: Lifeline): Promise<Made> {
    if (this.#mode !== 'exec') {
      try {
        return { pid: await this.#fork(), mode: 'fork' }
      } catch (error) {
        if (this.#mode === 'fork' || !UNFORKABLE.has((error as NodeJS.ErrnoException).code)) throw error
      }
    }
    this.#reaper.listen()
    return { pid: await spawnReplay(control, lifeline.shared, this.#log, this.#reaper), mode: 'exec' }
  }

  async #fork(): Promise<number> {
    do {
      await assertNoForeignThreads()
      await this.settleMemory()
      await waitForRequests() // last: nothing is awaited between this and the fork
    } while (hasNewThreads()) // which the requests may have started
    this.#reaper.listen()
    const pid = binding.fork()
    if (pid < 0) throw systemError(pid, 'fork')
    if (pid) this.#reaper.add(pid)
    return pid
  }
}
