import { forgetAbort, onceAborted } from '../caller/abort.js'
import type { IncomingStream } from './incoming.js'

/** How long who iterates may take to hear between two values that no more are wanted, in milliseconds. */
const STOP_MS = 100

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

  /**
   * Ends it when a signal is aborted, also before: the next step rejects with its reason.
   *
   * @param onEnd - called then; where it was aborted before, only if it is not soon over elsewhere. It must not
   *   refer to this object
   */
  endWith(signal: AbortSignal, onEnd: () => void): void {
    const incoming = this.#incoming
    const ref = new WeakRef(signal) // who listens to it may refer to this object, too
    const onAbort = (): void => {
      incoming.fail(ref.deref()!.reason)
      onEnd()
    }
    if (signal.aborted) {
      incoming.fail(signal.reason)
      setTimeout(() => incoming.isIterated && onEnd(), STOP_MS).unref()
      return
    }
    onceAborted(signal, onAbort)
    incoming.onOver = () => {
      const kept = ref.deref()
      if (kept) forgetAbort(kept, onAbort)
    }
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
