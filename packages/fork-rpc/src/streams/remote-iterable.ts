import type { IncomingStream } from './incoming.js'

/** Streams that nobody refers to any more are stopped. */
const dropped = new FinalizationRegistry<IncomingStream>(incoming => incoming.stop())

/** What another process iterates over: values come as they are wanted, and `return`, as by `break`, ends it there. */
export class RemoteIterable<T = unknown> implements AsyncIterableIterator<T> {
  readonly #incoming: IncomingStream

  constructor(incoming: IncomingStream) {
    this.#incoming = incoming
    dropped.register(this, incoming)
  }

  /** While a value is waited for, this object is in use. */
  async next(): Promise<IteratorResult<T, undefined>> {
    return (await this.#incoming.next()) as IteratorResult<T, undefined>
  }

  async return(value?: unknown): Promise<IteratorResult<T, undefined>> {
    return (await this.#incoming.return(value)) as IteratorResult<T, undefined>
  }

  /** Returns the stream that an iterable reads. A callback must refer to it instead of the iterable, to let that be collected. */
  static incomingOf(iterable: RemoteIterable): IncomingStream {
    return iterable.#incoming
  }

  /**
   * Calls back once it has ended where it is iterated over, though values may still have to be read here; not
   * where its process ends before.
   *
   * @param call - gets what was thrown there; must not refer to this object
   */
  onceFinished(call: (failure?: { error: unknown }) => void): void {
    if (this.#incoming.isIterated) this.#incoming.onFinished = call
    else call(this.#incoming.outcome)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
