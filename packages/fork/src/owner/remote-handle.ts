import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import { constants } from 'node:os'
import { type Descriptor, dup, type Handle, setNonblocking, shutdown, socketpair } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { decodeError } from '../error-codec.js'
import { type ExitStatus, ForkError, ProcessExitedError, signalNumber } from '../errors.js'
import { afterFork } from '../fork-hooks.js'
import type { MadeBy, MadeFork } from '../mode.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Command, checkPayload, type Frame, Report } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
import { acceptedFromRemote, EXITING, type ProvidedModule, RemoteCommand } from '../protocol/remote-frames.js'
import { remoteProgram } from '../remote-program.js'
import { openUntilThreadEnd, spawnUntilThreadEnd } from '../thread-end.js'
import { FunctionRelay } from './function-relay.js'
import { Greeting } from './greeting.js'
import type { Limits } from './likely-limit.js'
import { assertMayStart } from './own-interpreter.js'
import { PendingAnswers } from './pending-answers.js'
import { remoteCommand } from './remote-command.js'
import type { KeptOptions } from './remote-options.js'
import { StartLimit } from './start-limit.js'
import { StreamEnds } from './stream-ends.js'

/** How long the connection may stay open after the command has ended, in milliseconds: the last reports are on their way. */
const GRACE_MS = 500
/** How long the command may go on after the connection has ended, in milliseconds, before it is killed. */
const LINGER_MS = 5000

const UNKNOWN_STATUS: ExitStatus = { code: null, signal: null }

/** What a fork of a remote process is. */
const FORKED: MadeFork = { mode: 'exec', obstacle: 'the process is remote: its forks are further connections' }

/** The orders that forks of a remote process must carry out, too. */
const REPEATED: ReadonlySet<number> = new Set<number>([
  Command.require,
  Command.eval,
  Command.argument,
  Command.warm,
  Command.configure,
  RemoteCommand.provide,
])

interface Order {
  type: number
  id: number
  payload: Buffer | undefined
}

/** An order that forks carry out, too. */
interface RepeatedOrder {
  type: number
  payload: Buffer | undefined
  /** Of a call, what is known of it in the process that got it. */
  outcome?: 'pending' | 'done' | 'failed'
}

/** The handles whose processes are not gone. */
const open = new Set<RemoteHandle>()

/**
 * A process on the other side of a connection, as its owner knows it: the command that connects to it, the orders that it
 * was given, the answers it owes, and how the command ended. It has the methods of `ProcessHandle`.
 */
export class RemoteHandle {
  readonly limits: Limits = {}
  readonly likelyLimit: undefined
  readonly mode: MadeBy = 'exec'
  /** How it has made its last fork. */
  lastFork: MadeFork | undefined
  /** Standard error of the command. */
  readonly ends: StreamEnds
  readonly #options: KeptOptions
  /** The orders so far that forks must carry out, too. */
  readonly #log: RepeatedOrder[]
  /** The names of the modules that were sent. */
  readonly #provided: Set<string>
  readonly #child: ChildProcess
  /** This end of the connection. */
  readonly #socket: Descriptor
  readonly #startLimit: StartLimit
  /** The orders that wait for the greeting. */
  readonly #waiting: Order[] = []
  readonly #answers = new PendingAnswers()
  #greeting: Greeting | undefined
  #channel: ControlChannel | undefined
  #relay: FunctionRelay | undefined
  #exited: Promise<ExitStatus>
  #resolveExited!: (status: ExitStatus) => void
  #status: ExitStatus | undefined
  #failure: Error | undefined
  #hasGreeted = false
  #isConnectionEnded = false
  #grace: NodeJS.Timeout | undefined
  #lastId = 0
  #holders = 0

  /**
   * Starts the command.
   *
   * @param original - the process of which this one is a fork
   * @throws as `assertMayStart`; `ENOENT` if there is no folder `cwd`; `EBADF` if `stderr` is not open; `EMFILE`
   */
  constructor(options: KeptOptions, original?: RemoteHandle) {
    assertMayStart()
    if (options.cwd !== undefined) accessSync(options.cwd) // the error of spawn(2) would name the command instead
    this.#options = options
    this.#log = original ? original.#log.filter(({ outcome }) => outcome !== 'failed') : []
    this.#provided = new Set(original ? original.#provided : [])
    this.#exited = new Promise(resolve => (this.#resolveExited = resolve))
    const program = remoteProgram()
    const { file, args, greeting } = remoteCommand(options.command, program.length)
    this.ends = new StreamEnds([undefined, undefined, options.stderr])
    const [ours, theirs] = this.#makeSockets()
    this.#socket = ours
    try {
      setNonblocking(ours, true)
      this.#child = this.#spawn(file, args, theirs)
      this.#greeting = this.#awaitGreeting(greeting, program)
    } catch (error) {
      ours.close()
      this.ends.close()
      throw error
    } finally {
      theirs.close()
    }
    this.#startLimit = new StartLimit(options.startTimeout, () => this.#onStartOverdue())
    for (const order of this.#log) this.#repeat(order)
    open.add(this)
  }

  /** Returns the numbers of the descriptors with which this program owns remote processes. */
  static openDescriptors(): number[] {
    return [...open].flatMap(one => (one.#socket.isOpen ? [one.#socket.fd] : []))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get exited(): Promise<ExitStatus> {
    return this.#exited
  }

  get isGone(): boolean {
    return this.#status !== undefined && this.#isConnectionEnded
  }

  /** Whether it may still carry out orders. */
  get isAlive(): boolean {
    return this.#status === undefined && !this.#isConnectionEnded
  }

  /** Why the process answers no more. */
  get reason(): Error {
    if (this.#failure) return this.#failure
    const { code, signal } = this.#status ?? UNKNOWN_STATUS
    const isUnreachable = !this.#hasGreeted && signal === null && code !== null
    return new ProcessExitedError({ code, signal }, isUnreachable ? 'the command of a remote process' : undefined, {
      reason: isUnreachable ? 'Node did not start on the other side' : undefined,
    })
  }

  /** Opens another connection, over which the same orders are carried out. */
  fork(): RemoteHandle {
    const fork = new RemoteHandle(this.#options, this)
    this.lastFork = FORKED
    return fork
  }

  /**
   * Sends an order that has no answer.
   *
   * @throws RangeError if the payload takes 4 GiB or more
   */
  order(type: number, payload?: Buffer, _handles?: readonly Handle[]): void {
    checkPayload(payload?.length ?? 0) // not only when it is sent: the order may have to wait, and is repeated in forks
    if (REPEATED.has(type)) this.#log.push({ type, payload })
    this.#send(type, 0, payload)
  }

  /** Makes a module available to orders, unless it is. */
  provide(module: ProvidedModule): void {
    if (this.#provided.has(module.specifier)) return
    this.#provided.add(module.specifier)
    this.order(RemoteCommand.provide, encode(module))
  }

  /**
   * Sends an order, and keeps this program running until it is answered. Resolves with the payload of the answer.
   *
   * @param handles - for `run`, the function's end of its socket; borrowed
   * @throws RangeError if the payload takes 4 GiB or more
   */
  ask(type: number, payload?: Buffer, handles?: readonly Handle[]): Promise<Buffer> {
    checkPayload(payload?.length ?? 0)
    if (this.isGone) return Promise.reject(this.reason)
    const id = ++this.#lastId
    const end = type === Command.run ? openUntilThreadEnd(() => dup(handles![0]!)) : undefined
    this.#send(type, id, payload)
    if (end) {
      this.#relay = new FunctionRelay(end, (of, bytes) => this.#send(of, 0, bytes))
      if (this.#isConnectionEnded) this.#relay.end()
      this.#log.length = 0 // no fork is possible any more
    }
    const release = this.hold()
    const answer = this.#answers.add(id).finally(release)
    return type === Command.call ? this.#logCall(payload, answer) : answer
  }

  /** Forks repeat a call, unless it has failed. Those that are made before that is known have the order in their log, too. */
  async #logCall(payload: Buffer | undefined, answer: Promise<Buffer>): Promise<Buffer> {
    const order: RepeatedOrder = { type: Command.call, payload, outcome: 'pending' }
    this.#log.push(order)
    try {
      const result = await answer
      order.outcome = 'done'
      return result
    } catch (error) {
      order.outcome = 'failed'
      const index = this.#log.indexOf(order)
      if (index >= 0) this.#log.splice(index, 1)
      throw error
    }
  }

  /**
   * Sends a signal to the command. Returns whether there was a process to send it to. A command that may not be killed loses
   * its connection, which ends the remote process.
   *
   * @throws `EPERM` if this program may not send a signal other than SIGKILL
   */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    const number = signalNumber(signal)
    try {
      return this.#signal(number)
    } catch (error) {
      if (number !== constants.signals.SIGKILL) throw error
      this.#endConnection()
      return true
    }
  }

  /** @throws `EPERM` if the command has changed its user, as sudo(8) does */
  #signal(number: number): boolean {
    const { pid } = this.#child
    if (this.#status || pid === undefined) return false
    try {
      return process.kill(pid, number) // not reaped yet, so the pid is its own
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
      throw error
    }
  }

  /** Keeps this program running until the returned function is called. */
  hold(): () => void {
    if (this.#holders++ === 0) this.#keep(true)
    let isHeld = true
    return () => {
      if (isHeld && --this.#holders === 0) this.#keep(false)
      isHeld = false
    }
  }

  #keep(on: boolean): void {
    if (on) {
      this.#child.ref()
      this.#channel?.ref()
      this.#grace?.ref()
    } else {
      this.#child.unref()
      this.#channel?.unref()
      this.#grace?.unref()
    }
    this.#greeting?.ref(on)
  }

  #makeSockets(): [Descriptor, Descriptor] {
    try {
      return openUntilThreadEnd(() => socketpair())
    } catch (error) {
      this.ends.close()
      throw error
    }
  }

  #spawn(file: string, args: readonly string[], socket: Descriptor): ChildProcess {
    const { env, cwd } = this.#options
    const stderr = this.ends.theirs[2]
    const child = spawnUntilThreadEnd(() =>
      spawn(file, args, {
        stdio: [socket.fd, socket.fd, stderr === undefined ? 'inherit' : descriptorNumber(stderr)],
        ...(env === undefined ? {} : { env }),
        ...(cwd === undefined ? {} : { cwd }),
      }),
    )
    child.unref()
    child.once('error', error => {
      this.#failure ??= error
      this.#onExit(UNKNOWN_STATUS)
    })
    child.once('exit', (code, signal) => this.#onExit({ code, signal }))
    return child
  }

  #awaitGreeting(expected: string, program: Buffer): Greeting {
    return new Greeting(this.#socket, expected, {
      onGreeted: () => {
        this.#greeting = undefined
        this.#hasGreeted = true
        this.#open(program)
      },
      onEnd: () => this.#endConnection(),
      onInvalid: cause => this.#onInvalid(cause),
    })
  }

  /** Sends the program, then the orders that wait. */
  #open(program: Buffer): void {
    const listener = {
      onFrame: (frame: Frame<Descriptor>) => this.#onFrame(frame),
      onSendFailed: (error: Error) => void (this.#failure ??= error),
      onProtocolError: (cause: Error) => this.#onInvalid(cause),
      onEnd: () => this.#onConnectionEnded(),
    }
    this.#channel = new ControlChannel(this.#socket, listener, { accepted: acceptedFromRemote })
    if (this.#holders) this.#channel.ref()
    this.#channel.send(RemoteCommand.program, 0, program)
    for (const { type, id, payload } of this.#waiting.splice(0)) this.#channel.send(type, id, payload)
  }

  #send(type: number, id: number, payload?: Buffer): void {
    if (this.#channel) this.#channel.send(type, id, payload)
    else if (!this.#isConnectionEnded) this.#waiting.push({ type, id, payload })
  }

  /** Sends an order of the process of which this one is a fork. */
  #repeat({ type, payload, outcome }: RepeatedOrder): void {
    const isUncertain = outcome === 'pending' // with an id, a failure is an answer, which is ignored, and not the end
    this.#send(type, isUncertain ? ++this.#lastId : 0, payload)
  }

  /** @throws TypeError if the report is invalid */
  #onFrame({ type, id, payload }: Frame<Descriptor>): void {
    this.#startLimit.end()
    switch (type) {
      case Report.listening:
        return
      case Report.done:
        return this.#answers.resolve(id, payload)
      case Report.rejected:
        return this.#answers.reject(id, decodeError(payload))
      case Report.failed:
        this.#failure ??= decodeError(payload)
        return
      case EXITING:
        return this.#endInput()
      default:
        if (!this.#relay) throw new TypeError('it has sent bytes of the socket of no function')
        return this.#relay.onFrame(type, payload)
    }
  }

  /** The command may wait for the end of its input. */
  #endInput(): void {
    try {
      shutdown(this.#socket, 'write')
    } catch {
      // ENOTCONN: the command has ended
    }
  }

  #onStartOverdue(): void {
    this.#fail(
      new ForkError(
        'ERR_START_TIMEOUT',
        `the remote process did not take orders within ${this.#options.startTimeout} ms: the command may not start Node, or wait for input`,
      ),
    )
  }

  /** Something came that is not from the program of the remote process, or that program is hostile. */
  #onInvalid(cause: Error): void {
    this.#fail(new ForkError('ERR_PROTOCOL', `the remote process has sent invalid bytes: ${cause.message}`, { cause }))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.kill('SIGKILL')
    this.#endConnection()
  }

  #onExit(status: ExitStatus): void {
    if (this.#status) return
    this.#status = status
    if (this.#isConnectionEnded) return this.#settle()
    this.#grace = setTimeout(() => {
      this.#channel?.receiveRest()
      this.#endConnection()
    }, GRACE_MS)
    if (!this.#holders) this.#grace.unref()
  }

  #endConnection(): void {
    this.#closeSocket()
    this.#onConnectionEnded()
  }

  #closeSocket(): void {
    this.#greeting?.cancel()
    this.#greeting = undefined
    if (this.#channel) this.#channel.close()
    else this.#socket[Symbol.dispose]()
  }

  #onConnectionEnded(): void {
    if (this.#isConnectionEnded) return
    this.#isConnectionEnded = true
    this.#waiting.length = 0
    this.#relay?.end()
    if (!this.#status) this.#killLingering()
    this.#settle()
  }

  /** A command that closes its standard streams must not keep its owner waiting. */
  #killLingering(): void {
    clearTimeout(this.#grace)
    this.#grace = setTimeout(() => {
      try {
        this.#signal(constants.signals.SIGKILL)
      } catch (error) {
        this.#failure ??= error as Error // EPERM: the command is left alone
        this.#onExit(UNKNOWN_STATUS)
      }
    }, LINGER_MS)
    if (!this.#holders) this.#grace.unref()
  }

  #settle(): void {
    if (!this.isGone || !open.delete(this)) return
    clearTimeout(this.#grace)
    this.#startLimit.end()
    this.#answers.rejectAll(this.reason)
    this.#resolveExited(this.#status!)
  }

  /** Lets go of the process in a forked process: it belongs to the parent. */
  #abandon(): void {
    this.#closeSocket()
    this.#relay?.abandon()
    clearTimeout(this.#grace)
    this.#startLimit.end()
    this.#isConnectionEnded = true
    this.#status ??= UNKNOWN_STATUS
    this.#failure ??= new ForkError('ERR_NOT_OWNED', 'the process belongs to the parent of this one')
    this.#exited = Promise.resolve(this.#status)
  }

  static {
    afterFork(() => {
      for (const one of open) one.#abandon()
      open.clear()
    })
  }
}

/**
 * Refuses what only a process of this machine can do.
 *
 * @throws `ERR_REMOTE`
 */
export function assertLocal(handle: object, what: string): void {
  if (!(handle instanceof RemoteHandle)) return
  throw new ForkError('ERR_REMOTE', `${what}: the process is remote`)
}
