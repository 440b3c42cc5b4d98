import type { IncomingStream } from './incoming.js'

/** Stops streams that are no longer referenced. */
const dropped = new FinalizationRegistry<IncomingStream>(incoming => incoming.stop())

/**
 * An iterable whose source is in another process. Values arrive as they are read, up to a window ahead. `return`, such
 * as by `break`, ends the source.
 */
export class RemoteIterable<T = unknown> implements AsyncIterableIterator<T> {
  readonly #incoming: IncomingStream

  constructor(incoming: IncomingStream) {
    this.#incoming = incoming
    dropped.register(this, incoming)
  }

  /** An async method, so that this object stays referenced while a value is awaited. */
  async next(): Promise<IteratorResult<T, undefined>> {
    return (await this.#incoming.next()) as IteratorResult<T, undefined>
  }

  async return(value?: unknown): Promise<IteratorResult<T, undefined>> {
    return (await this.#incoming.return(value)) as IteratorResult<T, undefined>
  }

  /**
   * Returns the stream that an iterable reads. Callbacks must refer to the stream, not to the iterable, so that an
   * abandoned iterable can be collected.
   */
  static incomingOf(iterable: RemoteIterable): IncomingStream {
    return iterable.#incoming
  }

  /**
   * Calls a function once iteration has ended in the process, even if values remain to be read here. It is not called
   * if the process ends first.
   *
   * @param call - gets the error that was thrown there, if any. It must not refer to this object
   */
  onceFinished(call: (failure?: { error: unknown }) => void): void {
    const incoming = this.#incoming
    if (!incoming.isIterated) return call(incoming.outcome)
    const { onFinished: first } = incoming
    incoming.onFinished = failure => {
      first?.(failure)
      call(failure)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
