/** Ends streams that the program has dropped without reading them to the end. */
const dropped = new FinalizationRegistry<OnEnd>(onEnd => onEnd())

/** @param failure - the error with which the stream ended, if any */
type OnEnd = (failure?: { error: unknown }) => void

/** The values that a worker's function yields. Reports the end of the stream, so that the worker becomes free. */
export class PoolStream implements AsyncIterableIterator<unknown> {
  readonly #values: AsyncIterator<unknown>
  readonly #onEnd: OnEnd

  /** @param onEnd - called at the end, at least once; must not refer to this stream, so that it can be collected */
  constructor(values: AsyncIterator<unknown>, onEnd: OnEnd) {
    this.#values = values
    this.#onEnd = onEnd
    dropped.register(this, onEnd, this)
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const step = await this.#values.next()
      if (step.done) this.#end()
      return step
    } catch (error) {
      this.#end({ error })
      throw error
    }
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    try {
      return (await this.#values.return?.(value)) ?? { done: true, value }
    } finally {
      this.#end()
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #end(failure?: { error: unknown }): void {
    dropped.unregister(this)
    this.#onEnd(failure)
  }
}
