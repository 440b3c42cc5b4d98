/**
 * What a call returns: a promise of the result. If the result is an iterable, the promise itself can be iterated over:
 * `for await (const line of rpc())`.
 */
export class CallPromise<T = unknown> extends Promise<T> {
  /** Iterates over the result. If the call rejects, so does the first step. */
  [Symbol.asyncIterator](): AsyncIterator<T extends AsyncIterable<infer V> | Iterable<infer V> ? V : unknown> {
    return new CallIterator(this as Promise<unknown>) as AsyncIterator<
      T extends AsyncIterable<infer V> | Iterable<infer V> ? V : unknown
    >
  }
}

// Promise.prototype.then creates plain promises then, and `await` takes its fast path.
Object.defineProperty(CallPromise.prototype, 'constructor', { value: Promise })

class CallIterator implements AsyncIterator<unknown> {
  readonly #result: Promise<unknown>
  #iterator: Promise<AsyncIterator<unknown> | Iterator<unknown>> | undefined

  constructor(result: Promise<unknown>) {
    this.#result = result
  }

  async next(): Promise<IteratorResult<unknown>> {
    return (await this.#begun()).next()
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    const iterator = await this.#begun()
    return (await iterator.return?.(value)) ?? { done: true, value }
  }

  #begun(): Promise<AsyncIterator<unknown> | Iterator<unknown>> {
    return (this.#iterator ??= this.#result.then(iteratorOf))
  }
}

function iteratorOf(result: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(result) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >
  if (asynchronous) return asynchronous.call(result)
  if (synchronous) return synchronous.call(result)
  throw new TypeError('the function did not return an iterable')
}
