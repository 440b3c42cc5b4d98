import { constants } from 'node:os'
import { type Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { encodeError } from '../error-codec.js'
import { ForkError } from '../errors.js'
import { callAfterFork } from '../fork-hooks.js'
import type { ForkMode, MadeBy } from '../mode.js'
import { type ChannelListener, ControlChannel } from '../protocol/control-channel.js'
import { Command, type Frame, Report } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import { ReservedSlot } from '../protocol/reserved-slot.js'
import { assertNoActiveHandles } from '../safety/active-handles.js'
import { installExits } from '../safety/exits.js'
import { armLifeline, claimLifeline, cutLifeline, type Lifeline } from '../safety/lifeline.js'
import { forgetNewListeners, noteListeners } from '../safety/listeners.js'
import { renewRandomness } from '../safety/randomness.js'
import { Children, LOADING, type Made } from './children.js'
import { loadFunction } from './modules.js'
import { prepare, runArgs } from './prepare.js'
import { restrict } from './restrict.js'
import { showTitle } from './title.js'

const TEMPLATE_TITLE = 'template'

/** How long the owner may take to tell of an orphan, in milliseconds. */
const ORPHAN_GRACE_MS = 1000

/** Carries out the orders of the owner, one after the other, until it runs a function. */
export class OrderServer implements ChannelListener {
  #channel: ControlChannel
  #lifeline: Lifeline
  readonly #mode: ForkMode
  readonly #reservedSlot = new ReservedSlot(() => this.#lifeline.shared)
  #madeBy: MadeBy
  readonly #queue: Frame<Descriptor>[] = []
  /** What the owner orders while another's orders are still being replayed. */
  #deferred: Frame<Descriptor>[] | undefined
  #isBusy = false
  /** The socket of the function that runs. */
  #running: Descriptor | undefined
  #isEnding = false
  #outlives = false
  readonly #children: Children

  /**
   * @param control - the socket to the owner; this object owns it from now on
   * @param madeBy - how this process was made
   * @param replay - a socket from which the orders come that another process was given, for which this one stands in
   */
  constructor(control: Descriptor, lifeline: Lifeline, mode: ForkMode, madeBy: MadeBy, replay?: Descriptor) {
    this.#lifeline = lifeline
    this.#mode = mode
    this.#madeBy = madeBy
    this.#channel = new ControlChannel(control, this, this.#reservedSlot)
    this.#channel.ref()
    showTitle(TEMPLATE_TITLE)
    binding.ignoreInterrupt(1)
    this.#children = new Children(
      mode,
      ended => this.#channel.send(Report.exited, 0, encode(ended)),
      () => this.#endWithoutChildren(),
    )
    noteListeners()
    if (replay) this.#replay(replay)
  }

  /** The numbers of what it keeps open, for itself or for orders to come. */
  get #ownDescriptors(): ReadonlySet<number> {
    const { shared, own } = this.#lifeline
    const ordered = this.#queue.flatMap(({ descriptors }) => descriptors.map(({ fd }) => fd))
    const numbers = [this.#channel.fd, shared.fd, own?.fd, this.#reservedSlot.fd, ...ordered]
    return new Set(numbers.filter(fd => fd !== undefined))
  }

  onFrame(frame: Frame<Descriptor>): void {
    if (this.#deferred) this.#deferred.push(frame)
    else this.#enqueue(frame)
  }

  /** The owner is gone, or wants nothing more. A running function finds out for itself. */
  onEnd(): void {
    if (!this.#running) process.exit()
  }

  /** A function would be called without what it was given, or a process stay without its owner. One that runs has all that it needs. */
  onTableFull(): void {
    if (!this.#running) this.#fail(systemError(-constants.errno.EMFILE, 'recvmsg'))
  }

  #enqueue(frame: Frame<Descriptor>): void {
    this.#queue.push(frame)
    if (!this.#isBusy) void this.#work()
  }

  #replay(socket: Descriptor): void {
    this.#deferred = []
    this.#identify(0)
    const channel = new ControlChannel(socket, {
      onFrame: frame => {
        this.#enqueue(frame)
        if (frame.type === Command.replayed) channel.close()
      },
      onEnd: () =>
        this.#fail(
          new ForkError(
            'ERR_CANNOT_REPLAY',
            'the process that was to be copied ended before it had told what it was ordered to do',
          ),
        ),
    })
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    try {
      for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) await this.#carryOut(frame)
    } catch (error) {
      this.#fail(error)
    }
    this.#isBusy = false
  }

  async #carryOut(order: Frame<Descriptor>): Promise<void> {
    const { type, id, payload, descriptors } = order
    this.#children.note(order)
    switch (type) {
      case Command.fork:
        return this.#fork(id, descriptors[0]!)
      case Command.ready:
        await this.#children.settleMemory()
        return this.#done(id)
      case Command.run:
        return this.#run(id, decode(payload), descriptors[0]!)
      case Command.outlive:
        this.#outlives = true
        return
      case Command.check:
        return this.#answer(id, async () =>
          (await import('../doctor/check.js')).check({ own: this.#ownDescriptors, mode: this.#mode }),
        )
      case Command.inspect:
        return this.#answer(id, async () => (await import('./inspector.js')).openInspector(decode(payload)))
      case Command.adopt:
        return this.#children.adopt(decode(payload))
      case Command.identify:
        return this.#identify(id)
      case Command.lifeline:
        return this.#changeLifeline(descriptors[0]!)
      case Command.replayed:
        await callAfterFork()
        for (const held of this.#deferred!.splice(0)) this.#queue.push(held)
        this.#deferred = undefined
        return
      case Command.end:
        this.#isEnding = true
        this.#endWithoutChildren()
        return
      case Command.restrict:
        restrict(decode(payload))
        return claimLifeline(this.#lifeline)
      default:
        await prepare(order)
        if (LOADING.has(type)) noteListeners()
        return
    }
  }

  async #fork(id: number, control: Descriptor): Promise<void> {
    let made: Made
    let undo: () => Promise<void>
    try {
      ;[made, undo] = await this.#children.make(control, this.#lifeline)
    } catch (error) {
      this.#channel.send(Report.forkFailed, id, encodeError(error))
      return this.#letGoOf(control)
    }
    if (made.pid === 0) return this.#becomeChild(control)
    this.#channel.send(Report.forked, id, encode(made))
    this.#letGoOf(control)
    await undo()
  }

  /** It may have come in through the reserved slot: that the slot is kept again before somebody else takes it. */
  #letGoOf(control: Descriptor): void {
    control.close()
    this.#reservedSlot.take()
  }

  async #becomeChild(control: Descriptor): Promise<void> {
    const inherited = this.#channel
    // What was still queued are the parent's orders; their descriptors came along.
    for (const { descriptors } of this.#queue.splice(0)) for (const descriptor of descriptors) descriptor.close()
    this.#madeBy = 'fork'
    this.#channel = new ControlChannel(control, this, this.#reservedSlot)
    this.#channel.ref()
    inherited.close()
    try {
      installExits()
      this.#lifeline = armLifeline(this.#lifeline)
      this.#children.forget()
      renewRandomness()
      this.#identify(0)
      await callAfterFork()
      if (this.#running) await this.#leaveFunction(this.#running)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #run(
    id: number,
    { module, name, folder }: { module?: string; name: string; folder?: string },
    socket: Descriptor,
  ): Promise<void> {
    const run = await loadFunction(module, name, folder)
    const args = runArgs()
    this.#children.noteRun()
    this.#running = socket
    if (this.#outlives) this.#lifeline = cutLifeline(this.#lifeline)
    this.#channel.unref()
    binding.ignoreInterrupt(0)
    showTitle(name)
    this.#done(id)
    // What it throws is not this object's affair.
    process.nextTick(() => void run(socket, ...args))
  }

  /** The parent goes on with its function; this copy waits for orders. */
  async #leaveFunction(socket: Descriptor): Promise<void> {
    socket[Symbol.dispose]()
    await assertNoActiveHandles(async () =>
      (await import('../doctor/descriptors.js')).describeConnections(this.#ownDescriptors),
    )
    forgetNewListeners()
    process.exitCode = undefined
    this.#running = undefined
    this.#outlives = false
    binding.ignoreInterrupt(1)
    showTitle(TEMPLATE_TITLE)
  }

  #changeLifeline(shared: Descriptor): void {
    const { own } = armLifeline({ shared, own: undefined })
    this.#lifeline.own?.close()
    this.#lifeline.shared.close()
    this.#lifeline = { shared, own }
    binding.becomeSubreaper() // the new owner takes it for the root of a family
  }

  #identify(id: number): void {
    this.#channel.send(Report.started, id, encode({ pid: binding.getpid(), mode: this.#madeBy }))
  }

  #done(id: number, payload?: Buffer): void {
    this.#channel.send(Report.done, id, payload)
  }

  /** Of a question: unlike an order that fails, one that cannot be answered changes nothing. */
  async #answer(id: number, find: () => Promise<unknown>): Promise<void> {
    try {
      this.#done(id, encode(await find()))
    } catch (error) {
      this.#channel.send(Report.rejected, id, encodeError(error))
    }
  }

  /** An order could not be carried out: those after it would run in another world than was meant. */
  #fail(error: unknown): void {
    this.#channel.send(Report.failed, 0, encodeError(error))
    this.#channel.flushAll()
    process.exit(1)
  }

  /** @param mayWait - the owner, who hears of orphans only now, may yet want to hear of their end */
  #endWithoutChildren(mayWait = true): void {
    if (!this.#isEnding || !this.#children.isEmpty) return
    if (mayWait && this.#children.hasUnknownChildren)
      return void setTimeout(() => this.#endWithoutChildren(false), ORPHAN_GRACE_MS)
    this.#channel.flushAll()
    process.exit()
  }
}
