import { AsyncResource } from 'node:async_hooks'
import { markBegun } from '../values/used-up.js'

/** What an outgoing stream says to who reads it. */
export interface OutgoingLink {
  /** Queues a value. @returns its size in bytes. @throws for one that cannot be sent */
  item(id: number, value: unknown): number
  end(id: number): void
  error(id: number, error: unknown): void
  /** Lets go of a value that will not be sent. */
  drop(value: unknown): void
  /** Waits by blocking, where nothing can be heard otherwise: not even that nobody wants more. */
  wait?(isOver: () => boolean): void
}

/** How many bytes may be on their way, or wait to be consumed; a single value may be larger. */
const WINDOW_BYTES = 1 << 16
/** What a value counts beside its own size: so at most 64 are on their way. */
const ITEM_BYTES = 1 << 10

/** What is iterated over here, and read elsewhere, no faster than it is consumed there. */
export class OutgoingStream {
  readonly #id: number
  readonly #source: AsyncIterable<unknown> | Iterable<unknown>
  readonly #link: OutgoingLink
  /** Calls in the context in which this was made: that of the call that it belongs to. */
  readonly #inContext: (call: () => Promise<void>) => Promise<void>
  /** The sizes of the values that have not been consumed. */
  readonly #onTheWay: number[] = []
  #bytesOnTheWay = 0
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined
  #returning: Promise<unknown> | undefined
  #isBegun = false
  #isStopped = false
  #failure: { error: unknown } | undefined
  #wake: (() => void) | undefined
  #onStop: (() => void) | undefined

  constructor(id: number, source: AsyncIterable<unknown> | Iterable<unknown>, link: OutgoingLink) {
    this.#id = id
    this.#source = source
    this.#link = link
    this.#inContext = AsyncResource.bind(call => call(), 'ANYFORKSTREAM')
  }

  /**
   * Begins to iterate, if that has not been done.
   *
   * @param onStop - called when nobody wants more
   * @returns resolves when it has ended; never rejects
   */
  async begin(onStop?: () => void): Promise<void> {
    if (this.#isBegun || this.#isStopped) return
    this.#isBegun = true
    this.#onStop = onStop
    await this.#pump()
  }

  /** Begins because who reads wants it: in the context in which this was made. */
  beginWanted(): void {
    void this.#inContext(() => this.begin())
  }

  /** So many values have been consumed. */
  credit(count: number): void {
    for (const size of this.#onTheWay.splice(0, count)) this.#bytesOnTheWay -= size
    this.#wake?.()
  }

  /** Nobody wants more: lets what is iterated over know. @param failure - why it did not come to its end, to be told to who reads */
  stop(failure?: { error: unknown }): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#failure = failure
    if (this.#iterator) this.#return()
    this.#wake?.()
    this.#onStop?.()
    if (!this.#isBegun) this.#endStopped()
  }

  async #pump(): Promise<void> {
    try {
      markBegun(this.#source)
      this.#iterator = iterate(this.#source)
      const hasRoom = (): boolean => !this.#isFull
      for (;;) {
        if (this.#link.wait) this.#link.wait(hasRoom)
        else if (this.#isFull) await this.#credited()
        if (this.#isStopped) break
        const step = this.#iterator.next()
        const { done, value } = isPromise(step) ? await step : step
        if (this.#isStopped) {
          this.#link.drop(value)
          break
        }
        if (done) return this.#link.end(this.#id)
        this.#send(value)
      }
      await this.#returning
      this.#endStopped()
    } catch (error) {
      await this.#returning?.catch(() => {})
      this.#link.error(this.#id, error)
    }
  }

  get #isFull(): boolean {
    return !this.#isStopped && this.#bytesOnTheWay >= WINDOW_BYTES
  }

  #credited(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        if (!this.#isFull) resolve()
      }
    })
  }

  #send(value: unknown): void {
    try {
      const size = this.#link.item(this.#id, value) + ITEM_BYTES
      this.#onTheWay.push(size)
      this.#bytesOnTheWay += size
    } catch (error) {
      this.#isStopped = true
      this.#return()
      throw error
    }
  }

  #endStopped(): void {
    if (this.#failure) this.#link.error(this.#id, this.#failure.error)
    else this.#link.end(this.#id)
  }

  #return(): void {
    this.#returning ??= (async () => this.#iterator!.return?.())()
    this.#returning.catch(() => {}) // the pump tells
  }
}

function iterate(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const { [Symbol.asyncIterator]: asynchronous } = source as Partial<AsyncIterable<unknown>>
  return asynchronous ? asynchronous.call(source) : (source as Iterable<unknown>)[Symbol.iterator]()
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T>).then === 'function'
}
