import { RpcError } from '../errors.js'
import { ITEM_BYTES, WINDOW_BYTES } from './window-size.js'

/** What an incoming stream sends to the side that iterates over the source. */
export interface IncomingLink {
  /**
   * Tells it to begin, or that this number of values has been consumed.
   *
   * @returns how many bytes will have been written when this has
   */
  credit(id: number, count: number): number
  /** Returns how many bytes have been written, where the other side is not trusted. */
  written?(): number
  stop(id: number): void
  /** Whether that side has not reported the end yet. */
  isIterated(id: number): boolean
  /**
   * The size of the values that have arrived and not been read changes by this number of bytes.
   *
   * @throws RpcError if it becomes too large
   */
  onUnread(delta: number): void
  /** A consumer begins (1) or ceases (-1) to wait for a value. */
  onWaiting(delta: 1 | -1): void
  /** Blocks until a condition is met, and handles frames meanwhile; for backends that cannot read otherwise. */
  wait?(isOver: () => boolean): void
}

/** A value that has arrived. */
export interface Arrived {
  value: unknown
  /** In bytes. */
  size: number
  /** Closes the attachments of the value, because it will not be read. */
  discard(): void
}

interface Waiting {
  resolve(result: IteratorResult<unknown>): void
  reject(error: unknown): void
}

/** After this many values, or this many bytes, the other side gets credit for what was consumed. */
const CREDIT_VALUES = 16
const CREDIT_BYTES = 1 << 14

/** A stream that is iterated over on the other side and read here. */
export class IncomingStream {
  /** Called when the consumer stops, or no more values will come. */
  onOver: (() => void) | undefined
  /** Called when iteration has ended on the other side, even if values remain to be read here. */
  onFinished: ((failure?: { error: unknown }) => void) | undefined
  /** The error with which it ended there, if any. */
  outcome: { error: unknown } | undefined
  readonly #id: number
  readonly #link: IncomingLink
  readonly #values: Arrived[] = []
  readonly #waiting: Waiting[] = []
  #isBegun: boolean
  #isStopped = false
  #isOver = false
  #failure: { error: unknown } | undefined
  #consumed = 0
  #consumedBytes = 0
  /** How much of the window is taken by values that have arrived, and that the other side has no credit for. */
  #ahead = 0
  /** The credit that may not have been written: how much of the window it frees, and how many bytes come up to it. */
  readonly #unwritten: { size: number; position: number }[] = []

  /** @param isBegun - whether the other side iterates over it at once, and not from the first `next` on */
  constructor(id: number, isBegun: boolean, link: IncomingLink) {
    this.#id = id
    this.#isBegun = isBegun
    this.#link = link
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether the other side is still iterating over it, wanted or not. */
  get isIterated(): boolean {
    return this.#link.isIterated(this.#id)
  }

  next(): Promise<IteratorResult<unknown>> {
    this.#begin()
    if (this.#link.wait && !this.#values.length && !this.#isOver) {
      this.#sendCredit()
      this.#link.wait(() => this.#values.length > 0 || this.#isOver)
    }
    if (this.#values.length) return Promise.resolve({ done: false, value: this.#take() })
    if (this.#isOver || this.#isStopped) return this.#last()
    this.#sendCredit()
    return this.#wait()
  }

  /** Stops the stream for the consumer. Resolves when iteration has ended on the other side. */
  async return(value: unknown): Promise<IteratorResult<unknown>> {
    this.stop()
    if (!this.#isOver && this.#link.wait) this.#link.wait(() => this.#isOver)
    if (!this.#isOver) await this.#wait()
    await this.#last()
    return { done: true, value }
  }

  /** Drops the values that have arrived, and asks the other side to stop. */
  stop(): void {
    for (const arrived of this.#values.splice(0)) {
      this.#link.onUnread(-arrived.size)
      arrived.discard()
    }
    this.#stopThere()
  }

  /** @throws RpcError if the other side had no credit for the value, or too many bytes are unread */
  push(arrived: Arrived): void {
    if (this.#ahead >= WINDOW_BYTES) this.#freeWritten()
    if (this.#ahead >= WINDOW_BYTES) {
      arrived.discard()
      throw new RpcError('ERR_RPC_PROTOCOL', 'a stream has sent more values than were asked for')
    }
    this.#ahead += arrived.size + ITEM_BYTES
    const waiting = this.#waiting.shift()
    this.#values.push(arrived)
    this.#link.onUnread(arrived.size)
    if (!waiting) return
    this.#link.onWaiting(-1)
    waiting.resolve({ done: false, value: this.#take() })
  }

  /**
   * Ends the stream: no more values will come.
   *
   * @param failure - the error with which it ended, if any
   */
  end(failure?: { error: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = failure
    for (const waiting of this.#waiting.splice(0)) {
      this.#link.onWaiting(-1)
      this.#last().then(waiting.resolve, waiting.reject)
    }
    this.onOver?.()
    this.onOver = undefined
  }

  /** The other side has reported the end. */
  finish(failure?: { error: unknown }): void {
    this.outcome = failure
    this.end(failure)
    this.onFinished?.(failure)
    this.onFinished = undefined
  }

  /** Ends the stream with an error at once, and asks the other side to stop. */
  fail(error: unknown): void {
    this.stop()
    this.end({ error })
  }

  /** Ends the stream with an error after the values that have arrived, because one could not be decoded. */
  failAfterArrived(error: unknown): void {
    this.#stopThere()
    this.end({ error })
  }

  #stopThere(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    if (!this.#isOver) this.#link.stop(this.#id)
  }

  #begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    this.#link.credit(this.#id, 0)
  }

  #take(): unknown {
    const { value, size } = this.#values.shift()!
    this.#link.onUnread(-size)
    this.#consumed++
    this.#consumedBytes += size
    if (this.#consumed >= CREDIT_VALUES || this.#consumedBytes >= CREDIT_BYTES) this.#sendCredit(true)
    return value
  }

  #sendCredit(isEnough = this.#consumedBytes >= CREDIT_BYTES): void {
    if (!isEnough || this.#isOver || this.#isStopped) return
    const position = this.#link.credit(this.#id, this.#consumed)
    this.#unwritten.push({ size: this.#consumedBytes + this.#consumed * ITEM_BYTES, position })
    this.#consumed = this.#consumedBytes = 0
    this.#freeWritten()
  }

  /** Frees the part of the window that the other side may know of: a side that does not read has no new credit. */
  #freeWritten(): void {
    const written = this.#link.written?.() ?? Infinity
    for (let first = this.#unwritten[0]; first && first.position <= written; first = this.#unwritten[0]) {
      this.#ahead -= first.size
      this.#unwritten.shift()
    }
  }

  #wait(): Promise<IteratorResult<unknown>> {
    this.#link.onWaiting(1)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** The result after the last value. An error is reported once. */
  #last(): Promise<IteratorResult<unknown>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure ? Promise.reject(failure.error as Error) : Promise.resolve({ done: true, value: undefined })
  }
}
