import { deserialize } from 'node:v8'
import { isPending, read, watch, write, type Descriptor, type Watch } from '@anyfork/fdpass'
import { afterFork, fromPlainError, ProcessExitedError, type ExitStatus, type ForkProcess, type PlainError } from '@anyfork/fork'
import { RpcError } from './errors.js'
import { FrameParser, FrameQueue, Kind } from './frame.js'
import { backends } from './backend.js'
import type { RpcOptions } from './rpc.js'
import { serialisers, type Serialiser } from './serialiser.js'

/** How long a process that has closed its socket may take to end, in milliseconds. */
const GRACE_MS = 1000

interface Call {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** All that are connected. */
const live = new Set<Client>()

/** The caller's side of a connection. */
export class Client {
  readonly ended: Promise<ExitStatus>
  readonly #process: ForkProcess
  readonly #serialiser: Serialiser
  readonly #options: RpcOptions
  readonly #calls = new Map<number, Call>()
  readonly #queue = new FrameQueue()
  readonly #parser = new FrameParser()
  readonly #ready: Promise<void>
  #setReady!: Call
  #resolveEnded!: (status: ExitStatus) => void
  #socket: Descriptor | undefined
  #watch: Watch | undefined
  #failure: Error | undefined
  #lastId = 0
  #isFlushing = false
  #isWaitingToWrite = false
  #isClosed = false
  #isDestroyed = false
  #isHeld = true
  #waitingForReady = 0

  constructor(process: ForkProcess, module: string, name: string, options: RpcOptions) {
    const { serialiser = 'cbor', async = false, init, done } = options
    const known = serialisers[serialiser]
    if (!known) throw new TypeError(`unknown serialiser ${String(serialiser)}`)
    this.#process = process
    this.#serialiser = known
    this.#options = options
    this.ended = new Promise(resolve => (this.#resolveEnded = resolve))
    this.#ready = new Promise((resolve, reject) => (this.#setReady = { resolve: resolve as Call['resolve'], reject }))
    this.#ready.catch(() => {}) // the calls tell
    process.sendArg({ module, name, serialiser, init, done, folder: globalThis.process.cwd() })
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

  call(args: unknown[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new RpcError('ERR_RPC_CLOSED', 'called after close()'))
    if (this.#failure) return Promise.reject(this.#failure)
    try {
      const id = this.#nextId()
      this.#queue.add(Kind.call, id, this.#serialiser.encode(args))
      this.#flushSoon()
      return new Promise((resolve, reject) => {
        this.#calls.set(id, { resolve, reject })
        this.#hold()
      })
    } catch (error) {
      return Promise.reject(error)
    }
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
      this.#queue.add(Kind.end, 0)
      this.#flushSoon()
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

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#calls.has(this.#lastId))
    return this.#lastId
  }

  #connect(socket: Descriptor): void {
    this.#socket = socket
    live.add(this)
    if (this.#isDestroyed) this.#process.kill('SIGKILL')
    this.#watch = watch(socket, { readable: true, writable: this.#isWaitingToWrite }, ready => {
      if (ready.writable) this.#flush()
      if (ready.readable) this.#read()
    })
    this.#isHeld = true
    this.#flush()
    this.#hold()
  }

  /** Keeps the program running while something is outstanding, and only then. */
  #hold(): void {
    const isNeeded = this.#calls.size > 0 || this.#waitingForReady > 0
    if (!this.#watch || isNeeded === this.#isHeld) return
    this.#isHeld = isNeeded
    if (isNeeded) this.#watch.ref()
    else this.#watch.unref()
  }

  /** Calls made in a row leave together. */
  #flushSoon(): void {
    if (this.#isFlushing || this.#isWaitingToWrite || !this.#watch) return
    this.#isFlushing = true
    process.nextTick(() => {
      this.#isFlushing = false
      this.#flush()
    })
  }

  #flush(): void {
    if (!this.#socket || !this.#watch) return
    let isFull = false
    while (this.#queue.length && !isFull) {
      try {
        this.#queue.drop(write(this.#socket, this.#queue.bytes))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EAGAIN') return // what the child still said is to be read; its end comes after that
        isFull = true
      }
    }
    if (isFull === this.#isWaitingToWrite) return
    this.#isWaitingToWrite = isFull
    this.#watch.change({ readable: true, writable: isFull })
  }

  #read(): void {
    try {
      const room = this.#parser.room()
      const count = read(this.#socket!, room)
      if (count === 0) return void this.#finish()
      this.#parser.filled(count)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return
      return void this.#finish()
    }
    this.#dispatch()
  }

  /**
   * Promises settle before an event that came after their results: where one
   * follows, the caller's code gets its turn first.
   */
  #dispatch(): void {
    let hasSettled = false
    while (this.#watch && this.#parser.next()) {
      const { kind } = this.#parser
      if (kind === Kind.event && hasSettled) {
        queueMicrotask(() => {
          if (this.#watch) this.#onFrame()
          this.#dispatch()
        })
        return
      }
      if (kind !== Kind.event) hasSettled = true
      this.#onFrame()
    }
    this.#hold()
  }

  #onFrame(): void {
    const { kind, id, payload } = this.#parser
    switch (kind) {
      case Kind.result:
        return this.#settle(id, call => call.resolve(this.#serialiser.decode(payload)[0]))
      case Kind.error:
        return this.#settle(id, call => call.reject(errorOf(payload)))
      case Kind.event:
        return callSafely(() => this.#options.onEvent?.(...this.#serialiser.decode(payload)))
      case Kind.ready:
        return this.#setReady.resolve(undefined)
      case Kind.fatal:
        this.#failure = errorOf(payload)
        return
      default:
        this.#failure = new RpcError('ERR_RPC_PROTOCOL', `the child sent a frame of unknown kind ${kind}`)
        this.#process.kill('SIGKILL')
        void this.#finish()
    }
  }

  #settle(id: number, how: (call: Call) => void): void {
    const call = this.#calls.get(id)
    if (!call) return
    this.#calls.delete(id)
    try {
      how(call)
    } catch (error) {
      call.reject(error)
    }
  }

  /** Nothing more comes: all that is outstanding rejects with the reason. */
  async #finish(): Promise<void> {
    this.#watch?.close()
    this.#watch = undefined
    if (this.#socket?.isOpen) this.#socket.close()
    live.delete(this)
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS)
    const status = await this.#process.exited
    clearTimeout(killer)
    const isAsked = this.#isClosed && !this.#failure && !this.#calls.size
    this.#failure ??= new ProcessExitedError(status, 'the process of this function')
    this.#tell(this.#failure, isAsked || this.#isDestroyed)
    this.#setReady.reject(this.#failure)
    for (const call of this.#calls.values()) call.reject(this.#failure)
    this.#calls.clear()
    this.#resolveEnded(status)
  }

  /** In a forked process: the connection is the parent's. */
  static abandonAll(): void {
    for (const client of live) {
      client.#watch?.close()
      client.#watch = undefined
      client.#socket?.[Symbol.dispose]()
    }
    live.clear()
  }

  #tell(failure: Error, isAsked: boolean): void {
    const { onError, onEvent, onDestroy } = this.#options
    if (isAsked) callSafely(() => onDestroy?.())
    else if (onError) callSafely(() => onError(failure))
    else if (onEvent) callSafely(() => onEvent('error', failure))
    else if (!this.#calls.size && !this.#waitingForReady) {
      callSafely(() => {
        throw failure
      })
    }
  }
}

afterFork(() => Client.abandonAll())

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

function errorOf(payload: Buffer): Error {
  return fromPlainError(deserialize(Buffer.from(payload)) as PlainError)
}
