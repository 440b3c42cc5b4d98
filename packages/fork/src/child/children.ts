import type { Descriptor } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { callBeforeFork, hasBeforeHooks } from '../fork-hooks.js'
import type { ForkMode } from '../mode.js'
import { Command, type Frame } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
import type { Ended, Made } from '../protocol/reports.js'
import { areAllThreadsCopied, assertInspectorClosed, isInspectorOpen } from '../safety/all-threads.js'
import { collectGarbage, reduceMemory } from '../safety/garbage.js'
import { assertNoLastingObstacle, lastingObstacle } from '../safety/lasting-obstacle.js'
import type { Lifeline } from '../safety/lifeline.js'
import { obstacleOf } from '../safety/obstacle.js'
import { waitForRequests } from '../safety/pending-requests.js'
import {
  areThreadsKnown,
  assertNoForeignThreads,
  hasForeignThreads,
  hasNewThreads,
  knowThreads,
} from '../safety/threads.js'
import { fallsBack } from './fallback.js'
import type { ForkServer } from './fork-server.js'
import { OrderLog } from './order-log.js'
import { Reaper } from './reaper.js'
import { spawnReplay } from './replay.js'

/** Orders that load or run users' code. */
const LOADING: ReadonlySet<number> = new Set([Command.require, Command.eval, Command.warm, Command.call])

/** Makes the children of this process, and reaps them. */
export class Children {
  readonly #mode: ForkMode
  readonly #server: ForkServer
  readonly #log: OrderLog
  readonly #reaper: Reaper
  #hasLoaded = true
  #hasRun = false

  /** @param onNone - called whenever the last child has ended */
  constructor(mode: ForkMode, server: ForkServer, onEnded: (ended: Ended) => void, onNone: () => void) {
    this.#mode = mode
    this.#server = server
    this.#log = new OrderLog(mode === 'exec')
    this.#reaper = new Reaper(server, onEnded, onNone)
    server.listen()
  }

  /** Whether the fork server can fork this process without `make`. */
  get isReadyToFork(): boolean {
    return (
      this.#mode !== 'exec' &&
      !this.#hasLoaded &&
      (areAllThreadsCopied() ? !isInspectorOpen() : areThreadsKnown()) &&
      !hasBeforeHooks()
    )
  }

  get isEmpty(): boolean {
    return !this.#reaper.hasChildren
  }

  /** The pids of the children that were made or adopted here. */
  get known(): ReadonlySet<number> {
    return this.#reaper.children
  }

  /** Whether there are children that were not made here. */
  get hasUnknownChildren(): boolean {
    return this.#reaper.hasUnknownChildren
  }

  /** Remembers an order to this process, which its children must have carried out as well. */
  note(order: Frame<Descriptor>): void {
    if (LOADING.has(order.type)) this.#hasLoaded = true
    if (this.#mode !== 'fork') this.#log.add(order)
  }

  /** Users' code is about to run. */
  noteLoading(): void {
    this.#hasLoaded = true
  }

  /** Forgets the arguments so far: the function that is about to run gets them. */
  noteRun(): void {
    this.#hasLoaded = true
    this.#hasRun = true
    this.#log.forgetRun()
  }

  /**
   * Collects garbage once after loading, so that heap pages stay stable and shared. If this process has run a function,
   * its heap may have grown by much, so it is compacted, too. Then prepares code pages, which is safe only while no
   * other thread is running.
   */
  async settleMemory(): Promise<void> {
    if (!this.#hasLoaded) return
    if (this.#hasRun) reduceMemory()
    collectGarbage()
    this.#hasLoaded = false
    if (this.#mode === 'exec' || lastingObstacle()) return
    if (!areAllThreadsCopied()) {
      // Where this cannot be known, the pages stay as they are: they only make forks faster.
      const isUnsafe = await hasForeignThreads().catch(() => true)
      if (isUnsafe) return
      knowThreads()
    }
    binding.refreshCodePages()
    // The first fork needs `performance`, which Node loads on first use, in 2 ms. Loading it here also brings the pages
    // of V8's and Node's loaders back into memory, which children need.
    performance.now()
  }

  /** Notes a child that has ended and is not known. */
  noteUnknown(pid: number): void {
    this.#reaper.noteUnknown(pid)
  }

  /** Reports the exit of a process whose parent was another one. */
  adopt(pid: number): void {
    this.#reaper.adopt(pid)
  }

  /**
   * Makes a child, by fork(2) or by starting an interpreter, as the mode says.
   *
   * @param control - the child's control socket; borrowed
   * @returns the child, with the pid 0 in the child itself, and a function that undoes what hooks of `beforeFork` did; the parent must call it
   * @throws if no child can be made
   */
  async make(control: Descriptor, lifeline: Lifeline): Promise<[made: Made, undo: () => Promise<void>]> {
    const undo = await callBeforeFork()
    try {
      return [await this.#forkOrExec(control, lifeline), undo]
    } catch (error) {
      await undo().catch(() => {}) // the first error is the one to report
      throw error
    }
  }

  /**
   * Returns the orders that a process must carry out that takes the place of this one, which was forked: the present
   * children become its own, and it repeats everything that was ordered so far.
   *
   * @throws `ERR_CANNOT_REPLAY`
   */
  ordersForReplacement(): Frame<Descriptor>[] {
    const adopt = (pid: number): Frame<Descriptor> => ({
      type: Command.adopt,
      id: 0,
      payload: encode(pid),
      descriptors: [],
    })
    return [...[...this.known].map(adopt), ...this.#log.forReplacement()]
  }

  /** Call this in a forked child: the children belong to the parent. */
  forget(): void {
    this.#reaper.forget()
    this.#log.inherit()
  }

  async #forkOrExec(control: Descriptor, lifeline: Lifeline): Promise<Made> {
    let obstacle: string | undefined
    if (this.#mode !== 'exec') {
      try {
        return { pid: await this.#fork(control), mode: 'fork' }
      } catch (error) {
        if (!fallsBack(this.#mode, error)) throw error
        obstacle = obstacleOf(error)
      }
    }
    this.#server.listen()
    return { pid: await spawnReplay(control, lifeline.shared, this.#log, this.#reaper), mode: 'exec', obstacle }
  }

  async #fork(control: Descriptor): Promise<number> {
    assertNoLastingObstacle()
    if (areAllThreadsCopied()) {
      await this.settleMemory()
      await waitForRequests()
      assertInspectorClosed()
      return this.#server.fork(control)
    }
    do {
      await assertNoForeignThreads()
      await this.settleMemory()
      await waitForRequests() // comes last: nothing is awaited between this and the fork
    } while (hasNewThreads()) // the requests may have started some
    knowThreads()
    return this.#server.fork(control)
  }
}
