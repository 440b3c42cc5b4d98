import { getSystemErrorName } from 'node:util'
import { Descriptor, type Handle, setNonblocking, socketpair } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { decodeError } from '../error-codec.js'
import { type ExitStatus, ForkError, ProcessExitedError, signalName, signalNumber } from '../errors.js'
import { afterFork } from '../fork-hooks.js'
import type { MadeBy } from '../mode.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Command, type Frame, Report } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import { reapAtThreadEnd, spareAtThreadEnd } from '../thread-end.js'
import type { ExecOptions } from './exec-options.js'
import { ExitRegistry } from './exit-registry.js'
import { lifeline } from './lifeline-pipe.js'
import { isChild, OwnChild } from './own-child.js'
import { spawnTemplate } from './spawn.js'

interface Waiting {
  resolve(answer: Buffer): void
  reject(error: Error): void
}

/** What a process says of itself, or its parent of it. */
interface Made {
  pid: number
  mode: MadeBy
}

/** The root of a family is a child of this program, whose end it is told. */
interface RootProcess {
  pid?: number | undefined
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
  ref(): void
  unref(): void
}

const UNKNOWN_STATUS: ExitStatus = { code: null, signal: null }
/** All members that are not gone. */
const live = new Set<ProcessHandle>()

/**
 * A process of a family, as its owner knows it: its control channel, its pid, how it
 * ended, and who can tell. A family is an interpreter, the root, and all that is forked
 * from it.
 */
export class ProcessHandle {
  readonly #channel: ControlChannel
  /** Who tells how it ends; once that is gone, the root. */
  #reporter: ProcessHandle | undefined
  readonly #root: ProcessHandle
  readonly #exitRegistry: ExitRegistry
  readonly #children = new Map<number, ProcessHandle>()
  readonly #waiting = new Map<number, Waiting>()
  #leave = (): void => {}
  #exited: Promise<ExitStatus>
  #resolveExited!: (status: ExitStatus) => void
  /** Resolves when its pid is known, or never will be. */
  readonly #made: Promise<void>
  #resolveMade!: () => void
  #child: RootProcess | undefined
  #pid: number | undefined
  #mode: MadeBy | undefined
  readonly #signalsAtStart: number[] = []
  #status: ExitStatus | undefined
  #failure: Error | undefined
  #isChannelEnded = false
  #outlives = false
  /** Another owner started it: how it ends is not told here. */
  #isAttached = false
  #lastId = 0
  #holders = 0

  private constructor(socket: Descriptor, forker: ProcessHandle | undefined) {
    this.#reporter = forker
    this.#root = forker ? forker.#root : this
    this.#exitRegistry = forker ? forker.#exitRegistry : new ExitRegistry()
    this.#exited = new Promise(resolve => (this.#resolveExited = resolve))
    this.#made = new Promise(resolve => (this.#resolveMade = resolve))
    this.#channel = new ControlChannel(socket, {
      onFrame: frame => this.#onReport(frame),
      onSendFailed: error => (this.#failure ??= error),
      onProtocolError: cause => this.#onProtocolError(cause),
      onEnd: () => {
        this.#isChannelEnded = true
        this.#settle()
      },
    })
    live.add(this)
  }

  /** Starts the root of a new family. */
  static exec(options: ExecOptions): ProcessHandle {
    const [ours, theirs] = socketpair()
    try {
      const child = spawnTemplate(theirs, options)
      const self = ProcessHandle.#withChild(ours, child, 'exec')
      child.once('error', error => {
        self.#failure = error
        self.#onStatus(UNKNOWN_STATUS)
      })
      return self
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
  }

  /** Forks this program: the root of a new family. */
  static async forkThisProgram(): Promise<ProcessHandle> {
    const { forkThisProgram } = await import('../fork-self/fork-self.js')
    const { pid, control } = await forkThisProgram(
      () => new Set([...live].filter(one => one.#channel.isOpen).map(one => one.#channel.fd)),
    )
    return ProcessHandle.#withChild(control, new OwnChild(pid), 'fork')
  }

  static #withChild(socket: Descriptor, child: RootProcess, mode: MadeBy): ProcessHandle {
    const self = new ProcessHandle(socket, undefined)
    self.#child = child
    self.#pid = child.pid
    self.#mode = mode
    if (child.pid !== undefined) self.#leave = reapAtThreadEnd(child.pid)
    child.once('exit', (code, signal) => {
      self.#leave()
      self.#onStatus({ code, signal })
    })
    return self
  }

  /** Takes on a process that another owner has let go of. */
  static attach(socket: Descriptor): ProcessHandle {
    const ours = lifeline()
    setNonblocking(socket, true)
    const own = new Descriptor(socket.fd)
    let self
    try {
      self = new ProcessHandle(own, undefined)
    } catch (error) {
      own.release() // it is still the caller's
      throw error
    }
    try {
      self.order(Command.lifeline, undefined, [ours])
      self.order(Command.identify)
    } catch (error) {
      live.delete(self)
      self.#channel.detach().release()
      throw error
    }
    socket.release()
    self.#isAttached = true
    self.#exitRegistry.expect()
    return self
  }

  /** @throws TypeError while processes forked from it live, or from one of those: it tells how orphans end */
  assertChildless(order: string): void {
    if ([...live].some(one => one.#descendsFrom(this)))
      throw new TypeError(`${order}() while processes forked from it live`)
  }

  /** Lets go of it once it has carried out all orders: another owner can take it on by its control socket. */
  async detach(): Promise<Descriptor> {
    await this.ask(Command.ready)
    const socket = this.#channel.detach()
    this.#spare()
    this.#isChannelEnded = true
    this.#settle()
    return socket
  }

  /** Resolves when it is gone. */
  get exited(): Promise<ExitStatus> {
    return this.#exited
  }

  get pid(): number | undefined {
    return this.#pid
  }

  /** Its pid, as soon as it is known; rejects when there will be none, or it is gone. */
  async findPid(): Promise<number> {
    if (this.#pid === undefined && !this.isGone) await this.#made.finally(this.hold())
    if (this.#pid === undefined || this.isGone) throw this.reason
    return this.#pid
  }

  /** How it was made, once known. */
  get mode(): MadeBy | undefined {
    return this.#mode
  }

  /** Whether it has ended, and all that it said was heard. */
  get isGone(): boolean {
    return this.#status !== undefined && this.#isChannelEnded
  }

  /** Why nothing can be had of it any more. */
  get reason(): Error {
    return this.#failure ?? new ProcessExitedError(this.#status ?? UNKNOWN_STATUS)
  }

  /** Asks it for a fork. */
  fork(): ProcessHandle {
    const [ours, theirs] = socketpair()
    const id = ++this.#lastId
    let child: ProcessHandle
    try {
      this.#channel.send(Command.fork, id, undefined, [theirs])
      child = new ProcessHandle(ours, this)
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
    this.#exitRegistry.expect()
    this.#children.set(id, child)
    void child.exited.then(() => this.#children.delete(id))
    return child
  }

  /** Gives it an order that is not answered. */
  order(type: number, payload?: Buffer, handles?: readonly Handle[]): void {
    if (type === Command.outlive) this.#outlives = true
    this.#channel.send(type, 0, payload, handles)
  }

  /** Gives it an order, and keeps this program running until it is answered; resolves with the answer's payload. */
  ask(type: number, payload?: Buffer, handles?: readonly Handle[]): Promise<Buffer> {
    if (this.isGone) return Promise.reject(this.reason)
    const id = ++this.#lastId
    this.#channel.send(type, id, payload, handles)
    if (type === Command.run && this.#outlives) this.#spare()
    const release = this.hold()
    return new Promise<Buffer>((resolve, reject) => this.#waiting.set(id, { resolve, reject })).finally(release)
  }

  /** Sends it a signal, now or as soon as it is there; whether there was a process to send it to. */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    const number = signalNumber(signal)
    if (this.#status || this.#isChannelEnded) return false
    if (this.#pid === undefined) {
      if (number !== 0) this.#signalsAtStart.push(number)
      return true
    }
    const result = binding.signal(this.#pid, number, this.#channel.fd)
    if (result < 0 && getSystemErrorName(result) !== 'ESRCH') throw systemError(result, 'pidfd_send_signal')
    return result === 0
  }

  /** Nobody is there any more to be told that it is not permitted. */
  #killLate(signal: number): void {
    try {
      this.kill(signal)
    } catch {
      // EPERM: this program was another user when the signal was sent
    }
  }

  /** Keeps this program running until released. */
  hold(): () => void {
    const held: ProcessHandle[] = []
    for (let one: ProcessHandle | undefined = this; one; one = one.#reporter) held.push(one)
    for (const one of held) one.#keep(true)
    let isHeld = true
    return () => {
      if (isHeld) for (const one of held) one.#keep(false)
      isHeld = false
    }
  }

  /** From now on it need not end with this thread. */
  #spare(): void {
    if (this.#child?.pid !== undefined) spareAtThreadEnd(this.#child.pid)
  }

  #keep(on: boolean): void {
    if (on) {
      this.#channel.ref()
      if (this.#holders++ === 0) this.#child?.ref()
    } else {
      this.#channel.unref()
      if (--this.#holders === 0) this.#child?.unref()
    }
  }

  #onReport({ type, id, payload, descriptors }: Frame<Descriptor>): void {
    for (const descriptor of descriptors) descriptor.close() // a report has none
    const child = this.#children.get(id)
    switch (type) {
      case Report.started:
        this.#onMade(decode<Made>(payload))
        break
      case Report.done:
        this.#waiting.get(id)?.resolve(payload)
        this.#waiting.delete(id)
        break
      case Report.rejected:
        this.#waiting.get(id)?.reject(decodeError(payload))
        this.#waiting.delete(id)
        break
      case Report.failed:
        this.#failure = decodeError(payload)
        break
      case Report.forked:
        if (child) child.#onMade(decode<Made>(payload))
        break
      case Report.forkFailed:
        if (child) child.#onForkFailed(decodeError(payload))
        break
      case Report.exited: {
        const { pid, code, signal } = decode<{ pid: number; code: number; signal: number }>(payload)
        this.#exitRegistry.ended(
          pid,
          code < 0 && signal === 0 ? UNKNOWN_STATUS : { code: code < 0 ? null : code, signal: signalName(signal) },
        )
      }
    }
  }

  /** Its function can write to its control socket, too. Nothing can be had of it any more. */
  #onProtocolError(cause: Error): void {
    this.#failure ??= new ForkError('ERR_PROTOCOL', `what came from the process makes no sense: ${cause.message}`, {
      cause,
    })
    this.#killLate(signalNumber('SIGKILL'))
    this.#channel.close()
    this.#isChannelEnded = true
    this.#settle()
  }

  #onMade({ pid, mode }: Made): void {
    if (this.#pid !== undefined || this.#status) return
    this.#pid = pid
    this.#mode = mode
    this.#exitRegistry.claim(pid, status => this.#onStatus(status))
    this.#resolveMade()
    for (const signal of this.#signalsAtStart.splice(0)) this.#killLate(signal)
    if (this.#reporter?.isGone) this.#root.#adopt(this)
  }

  /** Answers for a process whose forker is gone. */
  #adopt(orphan: ProcessHandle): void {
    this.#channel.send(Command.adopt, 0, encode(orphan.#pid))
    orphan.#reporter = this // generations of ancestors are kept no longer than they live
  }

  #onStatus(status: ExitStatus): void {
    this.#status ??= status
    this.#settle()
  }

  #onForkFailed(error: Error): void {
    this.#failure = error
    this.#exitRegistry.cancelExpected()
    this.#onStatus(UNKNOWN_STATUS)
  }

  /** Once nothing more can come: settles all that was promised. */
  #settle(): void {
    if (this.#isChannelEnded && !this.#status && this.#isUnreported && !this.#isOwnChild()) {
      if (this.#pid === undefined) {
        this.#exitRegistry.cancelExpected()
        if (this.#reporter) this.#failure ??= this.#reporter.reason
      }
      this.#status = UNKNOWN_STATUS
    }
    if (!this.isGone || !live.delete(this)) return
    const reason = this.reason
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
    for (const child of this.#children.values()) {
      if (child.#pid === undefined || this.#root.isGone) child.#settle()
      else this.#root.#adopt(child)
    }
    // Nobody answers for orphans any more.
    if (this === this.#root) for (const one of live) if (one.#root === this) one.#settle()
    this.#resolveMade()
    this.#resolveExited(this.#status!)
  }

  #descendsFrom(ancestor: ProcessHandle): boolean {
    for (let one = this.#reporter; one; one = one.#reporter) if (one === ancestor) return true
    return false
  }

  /** Nobody is left who could tell how it ended. */
  get #isUnreported(): boolean {
    if (this.#isAttached) return true
    return this.#reporter !== undefined && this.#reporter.isGone && (this.#pid === undefined || this.#root.isGone)
  }

  /**
   * Whether this program, being the first of its system or a subreaper, is the parent that
   * an orphan got: then its end is told by the kernel, and it is to be reaped.
   */
  #isOwnChild(): boolean {
    if (this.#child) return true
    if (this.#isAttached || this.#pid === undefined || !isChild(this.#pid)) return false
    const child = new OwnChild(this.#pid)
    this.#child = child
    child.once('exit', (code, signal) => this.#onStatus({ code, signal }))
    if (this.#holders) child.ref()
    return true
  }

  /** In a forked process: lets go of what belongs to the parent. */
  static #abandonAll(): void {
    for (const one of live) one.#abandon()
    live.clear()
  }

  /** What was promised was promised to the parent, and settles there only; what is asked from now on is answered at once. */
  #abandon(): void {
    this.#channel.close()
    this.#child?.unref()
    this.#isChannelEnded = true
    this.#status ??= UNKNOWN_STATUS
    this.#failure ??= new ForkError('ERR_NOT_OWNED', 'the process belongs to the one that this one was forked from')
    this.#exited = Promise.resolve(this.#status)
  }

  static {
    afterFork(() => ProcessHandle.#abandonAll())
  }
}
