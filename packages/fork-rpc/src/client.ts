import { isPending, type Descriptor } from '@anyfork/fdpass'
import { afterFork, ProcessExitedError, type ExitStatus, type ForkProcess } from '@anyfork/fork'
import { backends } from './backend.js'
import { Call } from './call.js'
import { watchForAbort, type CallOptions } from './call-options.js'
import type { Setting } from './child/service.js'
import { dropDescriptors } from './enclosures.js'
import { decodeError } from './error-payload.js'
import { RpcError } from './errors.js'
import { Flag, Kind } from './frame.js'
import { Messages } from './messages.js'
import type { RpcOptions } from './options.js'
import { Outstanding, type OutstandingCall } from './outstanding.js'
import { codecOf, serialiserReference } from './serialiser.js'
import { RemoteIterable } from './streams/remote-iterable.js'
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
  readonly #process: ForkProcess
  readonly #options: RpcOptions
  readonly #calls = new Outstanding()
  readonly #transport: Transport
  readonly #messages: Messages
  readonly #streams: Streams
  readonly #ready: Promise<void>
  /** Exports by name, and the number that stands for each. */
  readonly #functions = new Map<string, number>()
  #setReady!: { resolve(): void; reject(error: Error): void }
  #resolveEnded!: (status: ExitStatus) => void
  #socket: Descriptor | undefined
  #failure: Error | undefined
  #isClosed = false
  #isDestroyed = false
  #isHeld = true
  #waitingForReady = 0

  /** @param name - of the export that has the number 0; without, exports are named as they are called */
  constructor(process: ForkProcess, module: string, name: string | undefined, options: RpcOptions) {
    const { async = false, init, done } = options
    const serialiser = serialiserReference(options.serialiser ?? 'cbor')
    this.#process = process
    this.#options = options
    this.#transport = new Transport({
      onFrames: () => this.#dispatch(),
      onEnd: () => void this.#finish(),
      onWritten: () => {},
      onBroken: () => {}, // what the child still said is to be read; its end comes after that
    })
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
    process.sendArg({ module, name, serialiser, init, done, folder: globalThis.process.cwd() } satisfies Setting)
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

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#transport.queue.add(Kind.end, 0)
      this.#transport.flushSoon()
    }
    await this.#process.exited
    await this.ended
  }

  async destroy(): Promise<void> {
    this.#isClosed = true
    this.#isDestroyed = true
    this.#process.kill('SIGKILL') // or when it connects, if it has not been started yet
    await this.#process.exited
    await this.ended
  }

  /** The end of the process shows at its socket before the event loop has told of it. */
  #hasHungUp(): boolean {
    if (!this.#socket?.isOpen) return false
    try {
      return !isPending(this.#socket)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'EAGAIN'
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

  /** Keeps the program running while something is awaited, and only then. */
  #hold(): void {
    const isNeeded = this.#calls.awaited > 0 || this.#waitingForReady > 0 || this.#streams.isAwaited
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
      if (killOnAbort && (this.#options.async || this.#calls.isOldest(call))) this.#process.kill('SIGKILL')
      this.#transport.queue.addUrgent(Kind.cancel, id)
      this.#transport.flushNext()
    }
    call.reject(reason)
    this.#hold()
  }

  /**
   * Promises settle before an event that came after their results: where one
   * follows, the caller's code gets its turn first.
   */
  #dispatch(): void {
    const { reader } = this.#transport
    let hasSettled = false
    while (this.#transport.isOpen && this.#next()) {
      if (reader.kind !== Kind.event) hasSettled = true
      else if (hasSettled) {
        queueMicrotask(() => {
          if (this.#transport.isOpen) this.#onFrame()
          this.#dispatch()
        })
        return
      }
      this.#onFrame()
    }
    this.#hold()
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
    const { reader } = this.#transport
    switch (reader.kind) {
      case Kind.result:
        return this.#settle(call => call.resolve(this.#messages.read(reader)[0]))
      case Kind.error:
        return this.#settle(call => call.reject(decodeError(reader.takePayload())))
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
        this.#onStreamFrame()
    }
  }

  #onEvent(): void {
    const { reader } = this.#transport
    const { onEvent } = this.#options
    if (onEvent) callSafely(() => onEvent(...this.#messages.read(reader)))
    else this.#messages.discard(reader.enclosed)
  }

  #onStreamFrame(): void {
    const { reader } = this.#transport
    try {
      if (this.#streams.onFrame(reader)) return
      throw new RpcError('ERR_RPC_PROTOCOL', `the child sent a frame of unknown kind ${reader.kind}`)
    } catch (error) {
      this.#break(error as Error)
    }
  }

  /** What the child says makes no sense: nothing can be had of it any more. */
  #break(error: Error): void {
    this.#failure = error
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
    this.#tell(this.#failure, isAsked || this.#isDestroyed)
    this.#setReady.reject(this.#failure)
    this.#calls.rejectAll(this.#failure)
    this.#streams.end(this.#failure)
    this.#resolveEnded(status)
  }

  /** In a forked process: the connection is the parent's. */
  static abandonAll(): void {
    for (const client of live) client.#transport.close()
    live.clear()
  }

  #tell(failure: Error, isAsked: boolean): void {
    const { onError, onEvent, onDestroy } = this.#options
    if (isAsked) callSafely(() => onDestroy?.())
    else if (onError) callSafely(() => onError(failure))
    else if (onEvent) callSafely(() => onEvent('error', failure))
    else if (!this.#calls.awaited && !this.#waitingForReady) {
      callSafely(() => {
        throw failure
      })
    }
  }
}

afterFork(() => Client.abandonAll())

function rejected(reason: unknown): Call {
  return new Call((_, reject) => reject(reason))
}

/** What a listener throws is an uncaught error, but later: it must not disturb what comes after. */
function callSafely(call: () => void): void {
  try {
    call()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
