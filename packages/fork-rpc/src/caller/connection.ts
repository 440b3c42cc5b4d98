import { type Descriptor, hasEnded } from '@anyfork/fdpass'
import { checkArgument } from '@anyfork/fdpass/internal'
import {
  afterFork,
  type ExitDetails,
  type ExitStatus,
  ForkError,
  type ForkProcess,
  ProcessExitedError,
} from '@anyfork/fork'
import {
  beginRun,
  exitOf,
  isRemote,
  killIfPermitted,
  likelyLimitOf,
  lookUpFolder,
  reasonOf,
  resolveSpecifier,
} from '@anyfork/fork/internal'
import { aForkProcess, type Backend, backendFor } from '../backend.js'
import { RpcError } from '../errors.js'
import { checkRpcOptions, type RpcOptions } from '../options.js'
import { spoiltError } from '../values/encode-values.js'
import type { EncodedRequest } from '../values/encoded-request.js'
import { codecOf, serialiserReference } from '../values/serialiser.js'
import { Kind } from '../wire/frame.js'
import { quarterOfTable } from '../wire/open-descriptors.js'
import { MAX_MESSAGE_BYTES, type ServeSettings } from '../wire/serve-settings.js'
import { SPIN_US, Spin } from '../wire/spin.js'
import { BackPressure } from './back-pressure.js'
import { BusyWait } from './busy-wait.js'
import type { CallOptions } from './call-options.js'
import type { CallPromise } from './call-promise.js'
import { type Channel, type Counters, makeChannel } from './channel.js'
import { EventLoopHold } from './event-loop-hold.js'
import { Requests, type SentAhead } from './requests.js'
import { Responses } from './responses.js'
import type { SharedPage } from './shared-page.js'
import { isTraced, trace } from './tracing.js'
import { UserCallbacks } from './user-callbacks.js'

/** How long a process may take to exit after it has closed its socket, in milliseconds. */
const GRACE_MS = 1000
/** How long nothing may arrive from a process that has exited before the connection ends, in milliseconds. */
const SILENCE_MS = 500

const STRANDED = 'its event loop ran empty while it awaited the promise of a function, which can never settle'

/** The open connections of this process. */
const live = new Set<Connection>()

/** What a sister package knows of a connection. */
export interface ConnectionExtras {
  /** For calls that are sent ahead, to a process that is not `async`. */
  page?: SharedPage
  /** Whether the process has loaded the module, or does so before it runs anything. */
  hasLoaded?: boolean
  /** Called when the process reports that it serves, right before it begins the first call. */
  onReady?: () => void
}

/** The caller's side of a connection, from the start of its process to its end. */
export class Connection {
  readonly ended: Promise<ExitStatus>
  readonly backPressure: BackPressure
  readonly #process: ForkProcess
  readonly #module: string | undefined
  readonly #name: string
  readonly #channel: Channel
  readonly #page: SharedPage | undefined
  readonly #requests: Requests
  readonly #busyWait: BusyWait
  readonly #callbacks: UserCallbacks
  readonly #hold: EventLoopHold
  readonly #ready: Promise<void>
  #setReady!: { resolve(): void; reject(error: Error): void }
  #resolveEnded!: (status: ExitStatus) => void
  #socket: Descriptor | undefined
  /** What the process has reported about its end. */
  #details: ExitDetails = {}
  #isDestroyed = false
  #isAbandoned = false
  #isKilledOnAbort = false
  #hasExited = false
  #isFinishing = false
  #silence: NodeJS.Timeout | undefined

  /**
   * @param module - without it, functions are global ones
   * @param name - the function that has the number 0. Without it, `numberOf` gives a number to each export
   */
  constructor(
    process: ForkProcess,
    module: string | undefined,
    name: string | undefined,
    options: RpcOptions,
    { page, hasLoaded = false, onReady }: ConnectionExtras = {},
  ) {
    checkArgument('process', process, aForkProcess)
    checkRpcOptions(options, name === undefined ? 'connect()' : 'run()')
    const { async = false, init, spin = SPIN_US, maxMessageBytes = MAX_MESSAGE_BYTES, maxDescriptors, memory } = options
    const ownSpin = new Spin(spin)
    const serialiser = serialiserReference(options.serialiser ?? 'cbor')
    this.#callbacks = new UserCallbacks(options, name ?? module!)
    this.#process = process
    this.#page = page
    this.#module = module
    this.#name = name ?? ''
    this.#channel = makeChannel(
      codecOf(serialiser, maxMessageBytes),
      {
        onFrames: () => responses.handleAll(),
        onEnd: () => void this.#finish(),
        onWritten: () => this.#onWritten(),
        onBroken: () => {}, // the process may have sent more before; `onEnd` follows
      },
      ownSpin,
      { maxMessageBytes, maxDescriptors: () => maxDescriptors ?? quarterOfTable() },
      () => this.#hold.update(),
    )
    const { transport, calls, streams, messages } = this.#channel
    if (isRemote(process)) messages.refusesDescriptors = remoteError
    transport.writer.onSpoilt = (kind, id) => {
      if (kind === Kind.item) streams.stopSending([id], spoiltError())
      else calls.take(id)?.reject(spoiltError())
      this.#onLess()
    }
    this.backPressure = new BackPressure(options.highWaterMark ?? {}, () => ({
      calls: calls.size,
      bytes: transport.writer.length,
    }))
    this.#hold = new EventLoopHold(this.#channel, this.backPressure)
    this.#requests = new Requests(this.#channel, async, page, {
      onCall: () => this.#hold.onCall(),
      onAborted: isKilled => {
        if (isKilled) this.#killOnAbort()
        this.#onLess()
      },
    })
    const responses = new Responses(this.#channel, this.#callbacks, {
      onReady: () => {
        this.#requests.isReady = true
        this.#setReady.resolve()
        onReady?.()
      },
      onFatal: error => (this.#requests.failure = error),
      onUncaught: cause => (this.#details = { cause }),
      onStranded: () => (this.#details = { reason: STRANDED }),
      onProtocolError: cause => this.#break(cause),
      onHandled: () => {
        this.#requests.onResponse()
        this.#onLess()
      },
    })
    this.#busyWait = new BusyWait(transport, ownSpin)
    this.ended = new Promise(resolve => (this.#resolveEnded = resolve))
    this.#ready = new Promise((resolve, reject) => (this.#setReady = { resolve, reject }))
    this.#ready.catch(() => {}) // calls report the failure
    const done = doneOf(options, module)
    const backend = backendFor(process, async)
    if (module !== undefined && !hasLoaded) process.require(module) // before run(): where it starts a thread, the process can still become a fresh interpreter
    if (page) sendDescriptorOf(page, process)
    process.sendArg({
      module,
      name,
      serialiser,
      init,
      done,
      spin,
      maxMessageBytes,
      memory,
      hasSharedPage: page !== undefined,
      folder: isRemote(process) ? undefined : lookUpFolder(module, done?.module),
    } satisfies ServeSettings)
    this.#begin(backend).catch((error: Error) => {
      this.#requests.failure = error
      void this.#finish()
    })
  }

  get isAlive(): boolean {
    return !this.#requests.isClosed && !this.#requests.failure && !this.#hasHungUp()
  }

  get counters(): Counters {
    const { counts, calls, transport } = this.#channel
    return { ...counts, pending: calls.size, bytesSent: transport.writer.sent, bytesReceived: transport.received }
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Returns the number that stands for an export of the module. */
  numberOf(name: string): number {
    return this.#requests.numberOf(name)
  }

  /** @param request - the encoded arguments, if they were captured before. It belongs to the connection from now on */
  call(number: number, args: readonly unknown[], options?: CallOptions, request?: EncodedRequest): CallPromise {
    if (!isTraced()) return this.#requests.call(number, args, options, request)
    const name = number ? this.#requests.nameOf(number) : this.#name
    const traced = { module: this.#module, name, args, pid: this.pid }
    return trace(traced, () => this.#requests.call(number, args, options, request))
  }

  /** Like `call`, but the call can be taken back until the process begins it. */
  callAhead(number: number, request: EncodedRequest, options?: CallOptions): SentAhead {
    return this.#requests.callAhead(number, request, options)
  }

  ready(): Promise<void> {
    return this.#hold.untilReady(this.#ready)
  }

  /** Resolves when `pressure` is below 1. Keeps the program running until then. */
  drained(): Promise<void> {
    const drained = this.backPressure.drained()
    this.#hold.update()
    return drained
  }

  /** Makes the process end after the calls so far. Does not wait for that. */
  startClosing(): void {
    if (this.#requests.isClosed) return
    this.#requests.isClosed = true
    this.#channel.transport.writer.add(Kind.end, 0)
    this.#channel.transport.flushSoon()
  }

  async close(): Promise<void> {
    this.startClosing()
    await this.#untilEnded()
  }

  async destroy(cause?: unknown): Promise<void> {
    if (this.#isAbandoned) return
    try {
      this.#process.kill('SIGKILL') // if it has not started yet, `#begin` kills it
    } catch (error) {
      this.startClosing() // EPERM: it can only end by itself
      throw error
    }
    if (cause !== undefined) this.#details = { cause }
    this.#requests.isClosed = true
    this.#isDestroyed = true
    if (this.#hasExited) void this.#finish()
    await this.#untilEnded()
  }

  /**
   * Keeps the program running until the connection has ended: the process may be reported as exited before its socket
   * is closed.
   */
  async #untilEnded(): Promise<void> {
    if (this.#isAbandoned) return
    this.#hold.untilEnd()
    await this.#process.exited
    await this.ended
  }

  /**
   * Reports whether the process has closed its socket. The kernel knows before the event loop does, and long before the
   * exit status is known.
   */
  #hasHungUp(): boolean {
    if (!this.#socket) return false
    if (!this.#socket.isOpen) return true
    try {
      return hasEnded(this.#socket)
    } catch {
      return true
    }
  }

  /**
   * Makes the process serve. Calls are written at once, so that the process need not wait for them. What it sends is read
   * when its pid is known.
   *
   * @throws rejects as `run` of `ForkProcess`
   */
  async #begin({ module, name }: Backend): Promise<void> {
    const { transport } = this.#channel
    const { socket, started } = beginRun(this.#process, module, name)
    started.catch(() => {}) // it is not awaited if the transport cannot be opened
    transport.setReading(false)
    transport.open(socket)
    live.add(this)
    await started
    this.#socket = socket
    if (this.#isDestroyed) killIfPermitted(this.#process)
    if (!transport.isOpen) return
    transport.setReading(true)
    this.#hold.onOpen()
    void exitOf(this.#process).then(({ code, signal }) => {
      // Nothing is known of the exit of a process that another program has started.
      this.#hasExited = code !== null || signal !== null
      if (this.#hasExited || this.#isDestroyed) this.#finishAfterExit()
    })
  }

  /**
   * Ends the connection of a process that has exited, whether or not its last messages can be received: the descriptor
   * table may be full, or a process that it has started may hold the socket open.
   */
  #finishAfterExit(received = -1): void {
    const { transport } = this.#channel
    if (!transport.isOpen) return
    if (this.#isDestroyed || received === transport.received) return void this.#finish()
    const before = transport.received
    this.#silence = setTimeout(() => {
      setImmediate(() => this.#finishAfterExit(before)) // after the event loop has polled for input
    }, SILENCE_MS)
  }

  #onWritten(): void {
    if (this.backPressure.isAwaited) this.#onLess()
    this.#busyWait.written(this.#channel.calls.awaited)
  }

  /** Call this when less may be awaited than before. */
  #onLess(): void {
    this.backPressure.ease()
    this.#hold.update()
  }

  get #endDetails(): ExitDetails {
    const reason = this.#isDestroyed || this.#isKilledOnAbort ? undefined : likelyLimitOf(this.#process)
    return { reason, ...this.#details }
  }

  /** Kills the process for an aborted call. Its end is expected, so it is not an uncaught exception. */
  #killOnAbort(): void {
    this.#isKilledOnAbort = true
    killIfPermitted(this.#process)
  }

  /** Kills the process, because it has sent invalid data. */
  #break(cause: Error): void {
    this.#requests.failure =
      cause instanceof RpcError
        ? cause
        : new RpcError('ERR_RPC_PROTOCOL', `the process sent invalid data: ${cause.message}`, { cause })
    killIfPermitted(this.#process)
    void this.#finish()
  }

  /** The process has closed its socket, or could not start: rejects all that is pending. */
  async #finish(): Promise<void> {
    if (this.#isFinishing) return
    this.#isFinishing = true
    const { transport, calls, streams } = this.#channel
    if (this.#page && !this.#requests.failure) await this.#handleUnsent(this.#page)
    transport.close()
    live.delete(this)
    clearTimeout(this.#silence)
    const killer = setTimeout(() => killIfPermitted(this.#process), GRACE_MS)
    const status = await this.#process.exited
    clearTimeout(killer)
    const isRequested = this.#requests.isClosed && !this.#requests.failure && !calls.awaited
    const failure = (this.#requests.failure ??= failureAfter(this.#process, status, this.#endDetails))
    const isReported = calls.awaited > 0 || this.#hold.isReadyAwaited || streams.areRead || this.#isKilledOnAbort
    this.#callbacks.ended(failure, isRequested || this.#isDestroyed, isReported)
    this.#setReady.reject(failure)
    calls.rejectAll(failure)
    streams.end(failure)
    transport.writer.discard() // calls made after the socket was closed
    this.backPressure.ease()
    this.#resolveEnded(status)
  }

  /** Handles the responses that a process which has crashed had deferred. */
  async #handleUnsent(page: SharedPage): Promise<void> {
    const { transport } = this.#channel
    let bytes = page.unsent(transport.received) // once only: the process could change it for ever
    for (let taken = 1; taken > 0 && transport.isOpen; bytes = bytes.subarray(taken)) {
      taken = transport.inject(bytes)
      while (transport.isFrameDeferred) await null
    }
  }

  /**
   * Closes all connections in a forked process: they belong to its parent. What was awaited there does not settle here.
   */
  static abandonAll(): void {
    for (const connection of live) {
      connection.#channel.transport.close()
      connection.#isAbandoned = true
      connection.#requests.failure = new RpcError(
        'ERR_RPC_CLOSED',
        'the connection belongs to the process from which this one was forked',
      )
    }
    live.clear()
  }
}

afterFork(() => Connection.abandonAll())

function sendDescriptorOf({ descriptor }: SharedPage, process: ForkProcess): void {
  try {
    process.sendFd(descriptor)
  } finally {
    descriptor.close()
  }
}

function remoteError(): Error {
  return new ForkError('ERR_REMOTE', 'descriptors cannot be sent: the process is remote')
}

/** Returns the error of the calls that a process has not answered before it ended. */
function failureAfter(process: ForkProcess, status: ExitStatus, details: ExitDetails): Error {
  const reason = reasonOf(process)
  return reason instanceof ForkError && reason.code === 'ERR_PROTOCOL'
    ? new RpcError('ERR_RPC_PROTOCOL', reason.message, { cause: reason })
    : new ProcessExitedError(status, 'the process of this function', details)
}

function doneOf({ done }: RpcOptions, module: string | undefined): ServeSettings['done'] {
  return typeof done === 'object'
    ? { module: resolveSpecifier(done.module), name: done.name, exits: done.exits ?? false }
    : done === undefined
      ? undefined
      : { module, name: done, exits: false }
}
