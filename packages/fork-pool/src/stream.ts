/** Streams that nobody refers to any more are over. */
const dropped = new FinalizationRegistry<() => void>(onOver => onOver())

/** What a worker's function is iterated over through; says when that is over. */
export class PoolStream implements AsyncIterableIterator<unknown> {
  readonly #values: AsyncIterator<unknown>
  readonly #onOver: () => void

  /** @param onOver - called when no more will come; it must not refer to this stream */
  constructor(values: AsyncIterator<unknown>, onOver: () => void) {
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
      this.#end()
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

  #end(): void {
    dropped.unregister(this)
    this.#onOver()
  }
}

