import { systemError, type Descriptor } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { ControlChannel, type ChannelListener } from '../control-channel.js'
import { callHooks } from '../fork-hooks.js'
import { Command, Report, type Frame } from '../frame.js'
import { decode, encode, encodeError } from '../payload.js'
import { installExits } from './exits.js'
import { collectGarbage } from './garbage.js'
import { armLifeline, cutLifeline, type Lifeline } from './lifeline.js'
import { evaluate, loadFunction, loadModule, warm } from './modules.js'
import { waitForRequests } from './pending-requests.js'
import { renewRandomness } from './randomness.js'
import { Reaper } from './reaper.js'
import { restrict } from './restrict.js'
import { addRunArgs, runArgs } from './run-args.js'
import { forgetThreads, refuseForeignThreads } from './threads.js'

/** Carries out the orders of the owner, one after the other, until it runs a function. */
export class Server implements ChannelListener {
  #channel: ControlChannel
  #lifeline: Lifeline
  readonly #queue: Frame<Descriptor>[] = []
  #isBusy = false
  #isRunning = false
  #isEnding = false
  #outlives = false
  #hasLoaded = true
  readonly #reaper = new Reaper(
    ended => this.#channel.send(Report.exited, 0, encode(ended)),
    () => this.#endWithoutChildren(),
  )

  /** @param control - the socket to the owner; this object owns it from now on */
  constructor(control: Descriptor, lifeline: Lifeline) {
    this.#lifeline = lifeline
    this.#channel = new ControlChannel(control, this)
    this.#channel.ref()
    binding.ignoreInterrupt(1)
    this.#reaper.listen()
  }

  onFrame(frame: Frame<Descriptor>): void {
    this.#queue.push(frame)
    if (!this.#isBusy) void this.#work()
  }

  /** The owner is gone, or wants nothing more. A running function finds out for itself. */
  onEnd(): void {
    if (!this.#isRunning) process.exit()
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

  async #carryOut({ type, id, payload, descriptors }: Frame<Descriptor>): Promise<void> {
    switch (type) {
      case Command.require: {
        const { modules, folder } = decode<{ modules: string[]; folder: string }>(payload)
        this.#hasLoaded = true
        for (const module of modules) await loadModule(module, folder)
        return
      }
      case Command.eval:
        this.#hasLoaded = true
        return evaluate(decode(payload))
      case Command.argument:
        return addRunArgs(decode(payload))
      case Command.descriptor:
        return addRunArgs(descriptors)
      case Command.fork:
        return this.#fork(id, descriptors[0]!)
      case Command.ready:
        this.#collectGarbage()
        return this.#done(id)
      case Command.run:
        return this.#run(id, decode(payload), descriptors[0]!)
      case Command.restrict:
        return restrict(decode(payload))
      case Command.warm:
        this.#hasLoaded = true
        return warm(decode(payload))
      case Command.outlive:
        this.#outlives = true
        return
      case Command.adopt:
        return this.#reaper.adopt(decode(payload))
      case Command.end:
        this.#isEnding = true
        if (!this.#reaper.hasChildren) this.#endWithoutChildren()
    }
  }

  async #fork(id: number, control: Descriptor): Promise<void> {
    let pid
    try {
      await callHooks('before')
      await waitForRequests()
      await refuseForeignThreads()
      this.#collectGarbage()
      this.#reaper.listen()
      pid = binding.fork()
      if (pid < 0) throw systemError(pid, 'fork')
    } catch (error) {
      this.#channel.send(Report.forkFailed, id, encodeError(error))
      return control.close()
    }
    if (pid === 0) return this.#becomeChild(control)
    this.#reaper.add(pid)
    this.#channel.send(Report.forked, id, encode(pid))
    control.close()
  }

  /** Once after loading: what is left moves no more, and children share it. */
  #collectGarbage(): void {
    if (this.#hasLoaded) collectGarbage()
    this.#hasLoaded = false
  }

  async #becomeChild(control: Descriptor): Promise<void> {
    const inherited = this.#channel
    // What was still queued are the parent's orders; their descriptors came along.
    for (const { descriptors } of this.#queue.splice(0)) for (const descriptor of descriptors) descriptor.close()
    this.#channel = new ControlChannel(control, this)
    this.#channel.ref()
    inherited.close()
    try {
      installExits()
      this.#lifeline = armLifeline(this.#lifeline)
      this.#reaper.forget()
      forgetThreads()
      renewRandomness()
      this.#channel.send(Report.started, 0, encode(binding.getpid()))
      await callHooks('after')
    } catch (error) {
      this.#fail(error)
    }
  }

  async #run(id: number, { module, name, folder }: { module?: string; name: string; folder: string }, socket: Descriptor): Promise<void> {
    const run = await loadFunction(module, name, folder)
    const args = runArgs()
    this.#isRunning = true
    if (this.#outlives) cutLifeline(this.#lifeline)
    this.#channel.unref()
    binding.ignoreInterrupt(0)
    process.title = `anyfork ${name}`
    this.#done(id)
    // What it throws is not this object's affair.
    process.nextTick(() => void run(socket, ...args))
  }

  #done(id: number): void {
    this.#channel.send(Report.done, id)
  }

  /** An order could not be carried out: those after it would run in another world than was meant. */
  #fail(error: unknown): void {
    this.#channel.send(Report.failed, 0, encodeError(error))
    this.#channel.flushAll()
    process.exit(1)
  }

  #endWithoutChildren(): void {
    if (!this.#isEnding) return
    this.#channel.flushAll()
    process.exit()
  }
}
