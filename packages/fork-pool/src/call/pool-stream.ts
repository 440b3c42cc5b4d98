/** Streams that nobody refers to any more are over. */
const dropped = new FinalizationRegistry<OnOver>(onOver => onOver())

/** Called when no more will come, with why not where it has not just ended. */
type OnOver = (failure?: { error: unknown }) => void

/** What a worker's function is iterated over through; says when that is over. */
export class PoolStream implements AsyncIterableIterator<unknown> {
  readonly #values: AsyncIterator<unknown>
  readonly #onOver: OnOver

  /** @param onOver - must not refer to this stream */
  constructor(values: AsyncIterator<unknown>, onOver: OnOver) {
    this.#values = values
    this.#onOver = onOver
    dropped.register(this, onOver, this)
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
    this.#onOver(failure)
  }
}
