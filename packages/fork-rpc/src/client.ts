import { hasEnded, type Descriptor } from '@anyfork/fdpass'
import { afterFork, ProcessExitedError, resolveSpecifier, type ExitStatus, type ForkProcess } from '@anyfork/fork'
import { backends } from './backend.js'
import { BriefWait } from './brief-wait.js'
import { Call } from './call.js'
import { afterTurns, TURNS_TO_TELL, withCallerStack } from './caller-stack.js'
import { watchForAbort, type CallOptions } from './call-options.js'
import type { Setting } from './child/service.js'
import type { Counters } from './counters.js'
import { dropDescriptors } from './enclosures.js'
import { decodeError } from './error-payload.js'
import { RpcError } from './errors.js'
import { Flag, Kind } from './frame.js'
import { Listeners } from './listeners.js'
import { Messages } from './messages.js'
import { checkOptions, type RpcOptions } from './options.js'
import { Pressure } from './pressure.js'
import { isTraced, trace } from './tracing.js'
import { Outstanding, type OutstandingCall } from './outstanding.js'
import { codecOf, serialiserReference } from './serialiser.js'
import { RemoteIterable } from './streams/remote-iterable.js'
import { SPIN_US } from './spin.js'
import { Streams } from './streams/streams.js'
import { Transport } from './transport.js'

/** How long a process that has closed its socket may take to end, in milliseconds. */
const GRACE_MS = 1000

/** Of calls without streams, that is nearly all. */
const NO_STREAMS: readonly number[] = []

/** All that are connected. */
const live = new Set<Client>()

/** The caller's side of a connection. */
export class Client {
  readonly ended: Promise<ExitStatus>
  readonly pressure: Pressure
  readonly #process: ForkProcess
  readonly #module: string | undefined
  readonly #name: string
  readonly #counts = { calls: 0, results: 0, errors: 0, givenUp: 0, events: 0 }
  readonly #isAsync: boolean
  readonly #calls = new Outstanding()
  readonly #transport: Transport
  readonly #messages: Messages
  readonly #streams: Streams
  readonly #wait: BriefWait
  readonly #listeners: Listeners
  readonly #ready: Promise<void>
  /** Exports by name, and the number that stands for each. */
  readonly #functions = new Map<string, number>()
  #setReady!: { resolve(): void; reject(error: Error): void }
  #resolveEnded!: (status: ExitStatus) => void
  #socket: Descriptor | undefined
  #failure: Error | undefined
  #isClosed = false
  #isDestroyed = false
  #isAbandoned = false
  #isEndAwaited = false
  #isHeld = true
  #waitingForReady = 0

  /**
   * @param module - without, functions are global ones
   * @param name - of the function that has the number 0; without, exports are named as they are called
   */
  constructor(process: ForkProcess, module: string | undefined, name: string | undefined, options: RpcOptions) {
    const { async = false, init, spin = SPIN_US } = options
    checkOptions(options)
    const serialiser = serialiserReference(options.serialiser ?? 'cbor')
    this.pressure = new Pressure(options.highWaterMark ?? {}, () => ({ calls: this.#calls.size, bytes: this.#transport.queue.length }))
    this.#listeners = new Listeners(options, name ?? module!)
    this.#process = process
    this.#module = module
    this.#name = name ?? ''
    this.#isAsync = async
    this.#transport = new Transport({
      onFrames: () => this.#dispatch(),
      onEnd: () => void this.#finish(),
      onWritten: () => this.#onWritten(),
      onBroken: () => {}, // what the child still said is to be read; its end comes after that
    })
    this.#wait = new BriefWait(this.#transport, spin)
    const messages = new Messages(codecOf(serialiser), this.#transport.queue, () => this.#streams)
    this.#messages = messages
    this.#streams = new Streams(
      {
        queue: this.#transport.queue,
        add: (kind, id, values) => messages.add(kind, id, values),
        read: reader => messages.read(reader),
        discard: enclosed => messages.discard(enclosed),
        onQueued: () => this.#transport.flushSoon(),
      },
      false,
      () => this.#hold(),
    )
    this.ended = new Promise(resolve => (this.#resolveEnded = resolve))
    this.#ready = new Promise((resolve, reject) => (this.#setReady = { resolve, reject }))
    this.#ready.catch(() => {}) // the calls tell
    process.sendArg({ module, name, serialiser, init, done: doneOf(options, module), spin, folder: globalThis.process.cwd() } satisfies Setting)
    process
      .run(async ? backends.async : backends.sync, 'serve')
      .then(socket => this.#connect(socket))
      .catch((error: Error) => {
        this.#failure = error
        void this.#finish()
      })
  }

  get isAlive(): boolean {
    return !this.#isClosed && !this.#failure && !this.#hasHungUp()
  }

  get counters(): Counters {
    return { ...this.#counts, outstanding: this.#calls.size, bytesSent: this.#transport.queue.sent, bytesReceived: this.#transport.received }
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** The number that stands for an export of the module. */
  numberOf(name: string): number {
    let number = this.#functions.get(name)
    if (number === undefined) {
      number = this.#functions.size + 1
      this.#functions.set(name, number)
      this.#transport.queue.add(Kind.name, 0, Buffer.from(name), undefined, undefined, 0, number)
    }
    return number
  }

  call(number: number, args: readonly unknown[], options?: CallOptions): Call {
    if (!isTraced()) return this.#call(number, args, options)
    const name = number ? [...this.#functions.keys()][number - 1]! : this.#name
    return trace({ module: this.#module, name, args, pid: this.pid }, () => this.#call(number, args, options))
  }

  #call(number: number, args: readonly unknown[], options?: CallOptions): Call {
    if (this.#isClosed || this.#failure || options?.signal?.aborted) return this.#refuse(args, options)
    const calls = this.#calls
    const id = calls.reserve()
    const sent: number[] = []
    try {
      this.#messages.add(Kind.call, id, args, number, options ? Flag.cancellable : 0, sent)
    } catch (error) {
      calls.release(id)
      return rejected(error)
    }
    this.#counts.calls++
    this.#transport.flushSoon()
    const streams = sent.length ? sent : NO_STREAMS
    const call = new Call((resolve, reject) => {
      if (options) this.#setWithOptions(id, resolve, reject, streams, options)
      else calls.set(id, resolve, reject, streams)
    })
    if (!this.#isHeld) this.#hold()
    return call
  }

  #refuse(args: readonly unknown[], options: CallOptions | undefined): Call {
    try {
      dropDescriptors(args)
    } catch (error) {
      return rejected(error)
    }
    if (this.#isClosed) return rejected(new RpcError('ERR_RPC_CLOSED', 'called after close()'))
    return rejected(this.#failure ?? options!.signal!.reason)
  }

  #setWithOptions(id: number, resolve: (value: unknown) => void, reject: (error: unknown) => void, streams: readonly number[], options: CallOptions): void {
    const undo = watchForAbort(options, reason => this.#giveUp(id, call, reason, options))
    const onResult = (value: unknown): void => {
      undo()
      if (options.signal && value instanceof RemoteIterable) value.endWith(options.signal)
      resolve(value)
    }
    const call = this.#calls.set(id, onResult, error => (undo(), reject(error)), streams)
  }

  async ready(): Promise<void> {
    this.#waitingForReady++
    this.#hold()
    try {
      await this.#ready
    } finally {
      this.#waitingForReady--
      this.#hold()
    }
  }

  /** Lets the calls so far finish and the process end, without waiting for that. */
  letGo(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#transport.queue.add(Kind.end, 0)
    this.#transport.flushSoon()
  }

  async close(): Promise<void> {
    this.letGo()
    await this.#untilEnded()
  }

  async destroy(): Promise<void> {
    if (this.#isAbandoned) return
    this.#isClosed = true
    this.#isDestroyed = true
    this.#process.kill('SIGKILL') // or when it connects, if it has not been started yet
    await this.#untilEnded()
  }

  /** Keeps the program running: the end of the process may be told before that of its socket. */
  async #untilEnded(): Promise<void> {
    if (this.#isAbandoned) return
    this.#isEndAwaited = true
    this.#hold()
    await this.#process.exited
    await this.ended
  }

  /** The end of the process shows at its socket before the event loop has told of it. */
  #hasHungUp(): boolean {
    if (!this.#socket?.isOpen) return false
    try {
      return hasEnded(this.#socket)
    } catch {
      return true
    }
  }

  #connect(socket: Descriptor): void {
    this.#socket = socket
    live.add(this)
    if (this.#isDestroyed) this.#process.kill('SIGKILL')
    this.#transport.open(socket)
    this.#isHeld = true
    this.#hold()
  }

  #onWritten(): void {
    this.pressure.ease()
    this.#wait.written(this.#calls.awaited)
  }

  /** Keeps the program running while something is awaited, and only then. */
  #hold(): void {
    const isNeeded = this.#calls.awaited > 0 || this.#waitingForReady > 0 || this.#isEndAwaited || this.#streams.isAwaited
    if (!this.#transport.isOpen || isNeeded === this.#isHeld) return
    this.#isHeld = isNeeded
    this.#transport.hold(isNeeded)
  }

  /** Nobody waits for a call any more. */
  #giveUp(id: number, call: OutstandingCall, reason: unknown, { killOnAbort = false }: CallOptions): void {
    if (this.#transport.queue.withdraw(id)) this.#calls.take(id)
    else {
      this.#calls.abandon(call)
      this.#streams.stopSending(call.streams)
      if (killOnAbort && (this.#isAsync || this.#calls.isOldest(call))) this.#process.kill('SIGKILL')
      this.#transport.queue.addUrgent(Kind.cancel, id)
      this.#transport.flushNext()
    }
    this.#counts.givenUp++
    call.reject(reason)
    this.#hold()
    this.pressure.ease()
  }

  /**
   * Promises settle before an event that came after their results: where one
   * follows, the caller's code gets its turn first.
   */
  #dispatch(): void {
    const { reader } = this.#transport
    let turns = 0
    while (this.#transport.isOpen && this.#next()) {
      if (reader.kind === Kind.event && turns) return afterTurns(turns, () => this.#goOn())
      if (reader.kind === Kind.error || reader.kind === Kind.itemsError) turns = TURNS_TO_TELL
      else if (!turns) turns = 1
      this.#onFrame()
    }
    this.#hold()
    this.pressure.ease()
  }

  #goOn(): void {
    if (this.#transport.isOpen) this.#onFrame()
    this.#dispatch()
  }

  #next(): boolean {
    try {
      return this.#transport.reader.next()
    } catch (error) {
      this.#break(error as Error)
      return false
    }
  }

  #onFrame(): void {
    try {
      this.#take()
    } catch (error) {
      this.#break(error as Error)
    }
  }

  #take(): void {
    const { reader } = this.#transport
    switch (reader.kind) {
      case Kind.result:
        this.#counts.results++
        return this.#settle(call => call.resolve(this.#messages.read(reader)[0]))
      case Kind.error:
        this.#counts.errors++
        return this.#settle(call => call.resolve(withCallerStack(decodeError(reader.takePayload()))))
      case Kind.event:
        return this.#onEvent()
      case Kind.dropped:
        this.#calls.take(reader.id)
        return
      case Kind.descriptorsAhead:
        return this.#transport.expectDescriptors()
      case Kind.descriptorsWelcome:
        this.#transport.queue.welcomeDescriptors()
        return this.#transport.flushSoon()
      case Kind.ready:
        return this.#setReady.resolve()
      case Kind.fatal:
        this.#failure = decodeError(reader.takePayload())
        return
      default:
        if (!this.#streams.onFrame(reader)) throw new RpcError('ERR_RPC_PROTOCOL', `a frame of unknown kind ${reader.kind}`)
    }
  }

  #onEvent(): void {
    const { reader } = this.#transport
    this.#counts.events++
    if (this.#listeners.areThereForEvents) this.#listeners.event(this.#messages.read(reader))
    else this.#messages.discard(reader.enclosed)
  }

  /** What the child says makes no sense: nothing can be had of it any more. */
  #break(cause: Error): void {
    this.#failure = cause instanceof RpcError ? cause : new RpcError('ERR_RPC_PROTOCOL', `what came from the process makes no sense: ${cause.message}`, { cause })
    this.#process.kill('SIGKILL')
    void this.#finish()
  }

  #settle(how: (call: OutstandingCall) => void): void {
    const { reader } = this.#transport
    const call = this.#calls.take(reader.id)
    if (!call || call.isAbandoned) return this.#messages.discard(reader.enclosed)
    try {
      how(call)
    } catch (error) {
      call.reject(error)
    }
  }

  /** Nothing more comes: all that is outstanding rejects with the reason. */
  async #finish(): Promise<void> {
    this.#transport.close()
    live.delete(this)
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS)
    const status = await this.#process.exited
    clearTimeout(killer)
    const isAsked = this.#isClosed && !this.#failure && !this.#calls.awaited
    this.#failure ??= new ProcessExitedError(status, 'the process of this function')
    this.#listeners.ended(this.#failure, isAsked || this.#isDestroyed, this.#calls.awaited > 0 || this.#waitingForReady > 0)
    this.#setReady.reject(this.#failure)
    this.#calls.rejectAll(this.#failure)
    this.#streams.end(this.#failure)
    this.pressure.ease()
    this.#resolveEnded(status)
  }

  /** In a forked process: the connections are the parent's. What was awaited there is not settled here. */
  static abandonAll(): void {
    for (const client of live) {
      client.#transport.close()
      client.#isAbandoned = true
      client.#failure = new RpcError('ERR_RPC_CLOSED', 'the connection is that of the process that this one was forked from')
    }
    live.clear()
  }
}

afterFork(() => Client.abandonAll())

function rejected(reason: unknown): Call {
  return new Call((_, reject) => reject(reason))
}

function doneOf({ done }: RpcOptions, module: string | undefined): Setting['done'] {
  return typeof done === 'object' ? { module: resolveSpecifier(done.module), name: done.name } : done === undefined ? undefined : { module, name: done }
}
