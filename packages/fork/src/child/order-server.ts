import { constants } from 'node:os'
import { Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import type { ForkMode, MadeBy } from '../mode.js'
import { type ChannelListener, ControlChannel } from '../protocol/control-channel.js'
import { Command, checkOrder, type Frame, MOST_ANSWER_BYTES } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import type { Ended, Made } from '../protocol/reports.js'
import { decodeRun, type RunOrder } from '../protocol/run-order.js'
import { assertNoActiveHandles } from '../safety/active-handles.js'
import type { Lifeline } from '../safety/lifeline.js'
import { forgetNewListeners, noteListeners } from '../safety/listeners.js'
import { Children } from './children.js'
import { configure } from './configure.js'
import type { ForkServerListener } from './fork-server.js'
import { call, loadFunction } from './modules.js'
import { OwnerLink } from './owner-link.js'
import { prepare, runArgs } from './prepare.js'
import { type ProcessEffects, processEffects } from './process-effects.js'
import { type Inheritance, replaceByInterpreter } from './replacement.js'
import { restrict } from './restrict.js'

/** How long an ending process waits for the owner to order reports about its orphans, in milliseconds. */
const ORPHAN_GRACE_MS = 1000

/** The one that takes the orders to this process. */
let present: OrderServer | undefined

/** Returns the descriptors that `stopTakingOrders` closes, and those that this package keeps open here. */
export function descriptorsOfOrders(): ReadonlySet<number> {
  return present?.ownDescriptors ?? new Set()
}

/** Call this in a copy of a program that goes on without orders to the program: closes the inherited control socket. */
export function stopTakingOrders(): void {
  present?.close()
  present = undefined
}

/**
 * Carries out the orders of the owner, one after the other. The last one runs a function. After that, the process takes
 * orders only to fork (`refork`), to open its inspector, and to report about orphans.
 */
export class OrderServer implements ChannelListener, ForkServerListener {
  readonly #owner: OwnerLink
  readonly #mode: ForkMode
  readonly #effects: ProcessEffects
  readonly #children: Children
  readonly #queue: Frame<Descriptor>[] = []
  /** The orders of the owner that wait until the orders of another process have been replayed. */
  #deferred: Frame<Descriptor>[] | undefined
  #isBusy = false
  /** The order that is being carried out. */
  #current: Frame<Descriptor> | undefined
  /** The socket of the function that runs. */
  #running: Descriptor | undefined
  #isEnding = false
  #outlives = false

  /**
   * @param control - the control socket; owned by this object from now on
   * @param lifeline - armed; owned by this object from now on
   * @param madeBy - how this process was made
   * @param earlier - where the orders of the process are that this one stands in for: a socket from which they come,
   *   owned likewise, or what that process has left
   * @param effects - what orders do to the process
   */
  constructor(
    control: Descriptor,
    lifeline: Lifeline,
    mode: ForkMode,
    madeBy: MadeBy,
    earlier?: Descriptor | Inheritance,
    effects: ProcessEffects = processEffects,
  ) {
    if (effects === processEffects) present = this
    this.#mode = mode
    this.#effects = effects
    this.#owner = new OwnerLink(control, lifeline, madeBy, this)
    effects.beTemplate()
    this.#children = new Children(
      mode,
      this.#owner.server,
      ended => this.onExited(ended),
      () => this.#exitWithoutChildren(),
    )
    effects.listen(
      () => this.#updateServer(),
      mode === 'auto' ? starter => this.#replaceByInterpreter(starter) : undefined,
    )
    if (earlier instanceof Descriptor) this.#replay(earlier)
    else if (earlier) this.#takeOver(earlier)
    else if (madeBy === 'exec') this.#owner.listening()
  }

  /** Closes the control socket. Call this if this process goes on without taking orders from there. */
  close(): void {
    this.#children.forget()
    this.#owner.close()
  }

  /** @throws TypeError if the frame is not an order */
  onFrame(frame: Frame<Descriptor>): void {
    checkOrder(frame)
    if (this.#deferred) this.#deferred.push(frame)
    else this.#enqueue(frame)
  }

  /** Exits, because no more orders can come. A running function decides itself when to end. */
  onEnd(): void {
    if (!this.#running) this.#effects.exit()
  }

  /** Exits, even while the function runs: something is in the control socket that is not an order. */
  onProtocolError(cause: Error): void {
    this.#fail(new ForkError('ERR_PROTOCOL', `the owner has sent an invalid order: ${cause.message}`, { cause }))
  }

  /**
   * Exits: without the descriptors, the function would lack arguments, or the lifeline of a new owner would be lost.
   */
  onTableFull(): void {
    if (!this.#running) this.#fail(systemError(-constants.errno.EMFILE, 'recvmsg'))
  }

  onChild(hasOrder: boolean, error: Error | undefined): void {
    void this.#beginAsChild(hasOrder, error)
  }

  onForked(id: number, pid: number): void {
    this.#owner.forked(id, { pid, mode: 'fork' })
  }

  /** Tries again: that fails in the same way, or finds another one to make the child. */
  onForkFailed(id: number, control: number): void {
    this.#enqueue({ type: Command.fork, id, payload: Buffer.alloc(0), descriptors: [new Descriptor(control)] })
  }

  onExited(ended: Ended): void {
    this.#owner.exited(ended)
  }

  onUnknownEnded(pid: number): void {
    this.#children.noteUnknown(pid)
  }

  onChildless(): void {
    this.#exitWithoutChildren()
  }

  /** The descriptors that belong to this package: those of the link, and those of orders that wait. */
  get ownDescriptors(): ReadonlySet<number> {
    const queued = this.#queue.flatMap(({ descriptors }) => descriptors.map(({ fd }) => fd))
    return new Set([...this.#owner.descriptors, ...queued])
  }

  #enqueue(frame: Frame<Descriptor>): void {
    this.#queue.push(frame)
    if (!this.#isBusy) void this.#work()
  }

  #replay(socket: Descriptor): void {
    this.#deferred = []
    this.#owner.started(0)
    const channel = new ControlChannel(socket, {
      onFrame: frame => {
        checkOrder(frame)
        this.#enqueue(frame)
        if (frame.type === Command.replayed) channel.close()
      },
      onProtocolError: cause => this.onProtocolError(cause),
      onEnd: () =>
        this.#fail(
          new ForkError(
            'ERR_CANNOT_REPLAY',
            'the process whose orders were to be replayed has ended before it had sent them all',
          ),
        ),
    })
  }

  #takeOver({ orders, obstacle }: Inheritance): void {
    this.#owner.started(0, obstacle)
    this.#queue.push(...orders)
    setImmediate(() => this.#isBusy || void this.#work())
  }

  /** Replaces this process by an interpreter if it was forked and its function does not run yet. */
  #replaceByInterpreter(obstacle: string): void {
    if (this.#running) return
    const wasBusy = this.#isBusy
    this.#isBusy = true // orders that arrive now are for the interpreter
    this.#owner.server.mayFork = false
    try {
      this.#owner.finishFrames()
      const orders = [...this.#children.ordersForReplacement(), ...this.#unfinished]
      replaceByInterpreter(this.#owner.control, this.#owner.lifeline, { orders, obstacle })
    } finally {
      this.#isBusy = wasBusy
      if (!wasBusy) setImmediate(() => this.#isBusy || void this.#work())
    }
  }

  /** The orders that have not been carried out, or not to the end. */
  get #unfinished(): Frame<Descriptor>[] {
    const waiting = [this.#current, ...this.#queue].filter(frame => frame !== undefined)
    return this.#isEnding
      ? [{ type: Command.end, id: 0, payload: Buffer.alloc(0), descriptors: [] }, ...waiting]
      : waiting
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    this.#owner.server.mayFork = false
    try {
      for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) {
        this.#current = frame
        await this.#carryOut(frame)
        this.#current = undefined
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isBusy = false
    this.#updateServer()
  }

  /** Lets orders to fork be carried out as they arrive, if nothing else has to be done before. */
  #updateServer(): void {
    const isIdle = !this.#isBusy && !this.#queue.length && !this.#deferred && this.#owner.isBetweenOrders
    this.#owner.server.mayFork = isIdle && this.#children.isReadyToFork
  }

  async #carryOut(order: Frame<Descriptor>): Promise<void> {
    const { type, id, payload, descriptors } = order
    switch (type) {
      case Command.fork:
        return this.#fork(id, descriptors[0]!)
      case Command.ready:
        await this.#children.settleMemory()
        return this.#owner.done(id)
      case Command.run:
        return this.#run(id, decodeRun(payload), descriptors[0]!)
      case Command.call:
        return this.#call(order)
      case Command.outlive:
        this.#outlives = true
        return this.#children.note(order)
      case Command.check:
        return this.#answer(id, async () =>
          (await import('../doctor/check.js')).check(this.ownDescriptors, this.#children.known, this.#mode),
        )
      case Command.inspect:
        return this.#answer(id, async () => (await import('./inspector.js')).openInspector(decode(payload)))
      case Command.adopt:
        return this.#children.adopt(decode(payload))
      case Command.identify:
        return this.#owner.started(id)
      case Command.lifeline:
        this.#owner.changeLifeline(descriptors[0]!)
        binding.becomeSubreaper() // to the new owner, this process is the root of a family
        return
      case Command.inherited:
        return this.#effects.callHooks()
      case Command.replayed:
        for (const deferred of this.#deferred!.splice(0)) this.#queue.push(deferred)
        this.#deferred = undefined
        return
      case Command.end:
        this.#isEnding = true
        this.#owner.server.tellWhenChildless()
        this.#exitWithoutChildren()
        return
      case Command.configure:
        await configure(decode(payload), descriptors)
        return this.#children.note(order)
      case Command.restrict:
        restrict(decode(payload))
        this.#owner.claimLifeline()
        return this.#children.note(order)
      default:
        if (await prepare(order)) noteListeners()
        return this.#children.note(order)
    }
  }

  /** Returns twice: in the parent, and in the child where it was forked. */
  async #fork(id: number, control: Descriptor): Promise<void> {
    let made: Made
    let undo: () => Promise<void>
    try {
      ;[made, undo] = await this.#children.make(control, this.#owner.lifeline)
    } catch (error) {
      this.#owner.forkFailed(id, error)
      return this.#owner.closeControl(control)
    }
    if (made.pid === 0) {
      control.close() // another descriptor refers to the socket
      return this.#becomeChild(this.#owner.server.childError)
    }
    this.#current = undefined // it need not be repeated, although hooks still run
    this.#owner.forked(id, made)
    this.#owner.closeControl(control)
    await undo()
  }

  /** Call this in a child that was forked while this process was idle. */
  async #beginAsChild(hasOrder: boolean, error: Error | undefined): Promise<void> {
    this.#isBusy = true
    await this.#becomeChild(error)
    if (hasOrder) this.#owner.receive()
    await this.#work()
  }

  /** @param error - why the child could not be set up */
  async #becomeChild(error?: Error): Promise<void> {
    // The orders that were still queued are the parent's; their descriptors came along.
    for (const { descriptors } of this.#queue.splice(0)) for (const descriptor of descriptors) descriptor.close()
    this.#owner.becomeChild()
    this.#current = undefined // it was the parent's
    try {
      this.#effects.becomeChild()
      if (error) throw error
      this.#children.forget()
      await this.#effects.callHooks()
      if (this.#running) await this.#leaveFunction(this.#running)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #run(id: number, { module, name, folder }: RunOrder, socket: Descriptor): Promise<void> {
    const run = await loadFunction(module, name, folder)
    const args = runArgs()
    this.#children.noteRun()
    this.#running = socket
    if (this.#outlives) this.#owner.cutLifeline()
    this.#owner.unref()
    this.#effects.beginFunction(name)
    this.#owner.done(id)
    process.nextTick(() => void run(socket, ...args)) // outside of #work(), so that its errors are uncaught ones
  }

  /** Makes a copy of a process whose function runs into a template. The function goes on in the parent. */
  async #leaveFunction(socket: Descriptor): Promise<void> {
    socket[Symbol.dispose]()
    await assertNoActiveHandles(async () =>
      (await import('../doctor/descriptors.js')).describeConnections(this.ownDescriptors),
    )
    forgetNewListeners()
    process.exitCode = undefined
    this.#running = undefined
    this.#outlives = false
    this.#effects.beTemplate()
  }

  /**
   * Calls a function, and answers with its result, except in a replay. If that fails there, the process cannot become
   * what it stands in for.
   */
  async #call(order: Frame<Descriptor>): Promise<void> {
    const { id, payload } = order
    const callAndNote = async (): Promise<unknown> => {
      const result = await call(decode(payload))
      this.#children.note({ ...order, id: 0 })
      return result
    }
    this.#children.noteLoading()
    if (id === 0) await callAndNote()
    else await this.#answer(id, callAndNote)
    noteListeners()
  }

  /** Answers a question. Unlike an order that fails, a question that cannot be answered changes nothing. */
  async #answer(id: number, find: () => Promise<unknown>): Promise<void> {
    try {
      const answer = encode(await find())
      if (answer.length > MOST_ANSWER_BYTES)
        throw new RangeError(`the answer has ${answer.length} bytes, more than ${MOST_ANSWER_BYTES}`)
      this.#owner.done(id, answer)
    } catch (error) {
      this.#owner.rejected(id, error)
    }
  }

  /** Reports an order that failed, and exits: later orders depend on it. */
  #fail(error: unknown): void {
    this.#owner.failed(error)
    this.#owner.flush()
    this.#effects.exit(1)
  }

  /**
   * Exits once `end` was ordered and no child is left.
   *
   * @param mayWait - whether to wait a moment for the owner to order reports about children that are unknown so far
   */
  #exitWithoutChildren(mayWait = true): void {
    if (!this.#isEnding || !this.#children.isEmpty) return
    if (mayWait && this.#children.hasUnknownChildren)
      return void setTimeout(() => this.#exitWithoutChildren(false), ORPHAN_GRACE_MS)
    this.#owner.flush()
    this.#effects.exit()
  }
}
