/** What an incoming stream says to who iterates. */
export interface IncomingLink {
  /** Begin, or go on; so many values have been consumed. */
  credit(id: number, count: number): void
  stop(id: number): void
  /** Whether who iterates has not told the end yet. */
  isIterated(id: number): boolean
  /** Somebody begins to wait, or does not wait any more. */
  onWaiting(delta: 1 | -1): void
  /** Waits by blocking, where nothing can be heard otherwise. */
  wait?(isOver: () => boolean): void
}

/** A value that came. */
export interface Arrived {
  value: unknown
  /** In bytes. */
  size: number
  /** Lets go of what came along with it: nobody will have it. */
  discard(): void
}

interface Waiting {
  resolve(result: IteratorResult<unknown>): void
  reject(error: unknown): void
}

/** When so many values, or so many bytes, have been consumed, who iterates is told. */
const CREDIT_VALUES = 16
const CREDIT_BYTES = 1 << 14

/** What is iterated over elsewhere, and read here. */
export class IncomingStream {
  /** Called when the consumer wants no more, or nothing more comes. */
  onOver: (() => void) | undefined
  /** Called when it is over elsewhere, whatever is still to be read here. */
  onFinished: ((failure?: { error: unknown }) => void) | undefined
  /** What was thrown there at its end, if anything was. */
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

  /** @param isBegun - whether it is iterated over already; otherwise from the first `next` on */
  constructor(id: number, isBegun: boolean, link: IncomingLink) {
    this.#id = id
    this.#isBegun = isBegun
    this.#link = link
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether it is still iterated over elsewhere, wanted or not. */
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

  /** The consumer wants no more; resolves when what is iterated over has been told, and has ended. */
  async return(value: unknown): Promise<IteratorResult<unknown>> {
    this.stop()
    if (!this.#isOver && this.#link.wait) this.#link.wait(() => this.#isOver)
    if (!this.#isOver) await this.#wait()
    await this.#last()
    return { done: true, value }
  }

  /** Lets who iterates know that no more is wanted. */
  stop(): void {
    for (const arrived of this.#values.splice(0)) arrived.discard()
    this.#stopThere()
  }

  push(arrived: Arrived): void {
    const waiting = this.#waiting.shift()
    this.#values.push(arrived)
    if (!waiting) return
    this.#link.onWaiting(-1)
    waiting.resolve({ done: false, value: this.#take() })
  }

  /** Nothing more comes. @param failure - why not, if it did not just end */
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

  /** Who iterates has told the end. */
  finish(failure?: { error: unknown }): void {
    this.outcome = failure
    this.end(failure)
    this.onFinished?.(failure)
    this.onFinished = undefined
  }

  /** The consumer is told to give up. */
  fail(error: unknown): void {
    this.stop()
    this.end({ error })
  }

  /** A value came that nobody can make sense of: it is the end, after the values before it. */
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
    this.#consumed++
    this.#consumedBytes += size
    if (this.#consumed >= CREDIT_VALUES || this.#consumedBytes >= CREDIT_BYTES) this.#sendCredit(true)
    return value
  }

  #sendCredit(isEnough = this.#consumedBytes >= CREDIT_BYTES): void {
    if (!isEnough || this.#isOver || this.#isStopped) return
    this.#link.credit(this.#id, this.#consumed)
    this.#consumed = this.#consumedBytes = 0
  }

  #wait(): Promise<IteratorResult<unknown>> {
    this.#link.onWaiting(1)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** The end: an error is told once. */
  #last(): Promise<IteratorResult<unknown>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure ? Promise.reject(failure.error as Error) : Promise.resolve({ done: true, value: undefined })
  }
}
