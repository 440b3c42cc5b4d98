import {
  CallPromise,
  type EncodedRequest,
  forgetAbort,
  onceAborted,
  type RequestEncoder,
} from '@anyfork/fork-rpc/internal'
import type { CallSettings } from '../call-options.js'
import type { LinkedList, Prioritised, PriorityQueue } from './call-queue.js'
import { withCallerStack } from './caller-stack.js'
import type { Ending } from './statistics.js'

/** The worker that has a call. */
export interface CallOwner {
  /** Cancels one of the owner's calls or, if the call has been resolved with a stream, that stream. */
  cancel(call: Call, reason: unknown): void
}

let lastNumber = 0

/** One call of a pool, from its creation until it settles. A call that resolves with a stream lives until the stream ends. */
export class Call implements Prioritised<Call> {
  /** The name of the function, or '' in a pool of one function. */
  readonly name: string
  /** The arguments as the caller has passed them. Objects among them may have changed since: `request` is sent. */
  readonly args: unknown[]
  readonly options: CallSettings
  readonly priority: number
  readonly number: number = ++lastNumber
  /** The time of creation, in milliseconds of `performance.now()`. */
  readonly madeAt: number = performance.now()
  /** The time at which the call last began to run, or 0 while it has not begun. */
  beganAt = 0
  /** How many workers have died while they ran the call. */
  deaths = 0
  /** How many workers that were started for this call alone have failed to start. */
  failedStarts = 0
  /** The arguments as they were when the call was made. Missing once no worker will need them. */
  request: EncodedRequest | undefined
  /** The size of the encoded arguments, in bytes, with large buffers. */
  bytes = 0
  /** Whether the call waits for a worker. The call tracker sets it. */
  isWaiting = false
  /** Whether a worker has the call but has not begun it, as far as is known. The call tracker sets it. */
  isAhead = false
  /** Takes the call back from the worker to which it was sent ahead. Returns false if the worker has begun it. */
  takeBack: (() => boolean) | undefined
  isSettled = false
  /** Whether the call has been resolved with a stream that has not ended. */
  isStreaming = false
  /** How a cancelled stream counts in the statistics. */
  streamEnding: Ending | undefined
  owner: CallOwner | undefined
  queue: PriorityQueue<Call> | undefined
  list: LinkedList<Call> | undefined
  previous: Call | undefined
  next: Call | undefined
  #promise: CallPromise | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #onAbort: (() => void) | undefined
  #controller: AbortController | undefined

  constructor(name: string, args: unknown[], options: CallSettings) {
    this.name = name
    this.args = args
    this.options = options
    this.priority = options.priority
    this.#promise = new CallPromise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Available until the call settles. The call does not retain it afterwards, so that an unread stream can be collected. */
  get promise(): CallPromise {
    return this.#promise!
  }

  /** Watches the user's signal until the call ends. */
  watchSignal(signal: AbortSignal, onAbort: (reason: unknown) => void): void {
    this.#onAbort = () => onAbort(signal.reason)
    onceAborted(signal, this.#onAbort)
  }

  /** The signal for the worker, which `abort` aborts, or `undefined` if the options allow neither an abort nor a timeout. */
  get workerSignal(): AbortSignal | undefined {
    if (!this.options.signal && this.options.timeout === undefined) return undefined
    return (this.#controller ??= new AbortController()).signal
  }

  /** Tells the worker that the result, or the rest of the stream, is not needed. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason)
  }

  /**
   * Captures the arguments, so that later changes do not matter.
   *
   * @throws the serialiser's error if it cannot carry an argument
   */
  capture(encoder: RequestEncoder): void {
    this.request = encoder.encode(this.args)
    this.bytes = this.request.size
  }

  /** Marks the call as running, and starts its timeout. */
  begin(now: number, onTimeout: (call: Call) => void): void {
    this.stopTimer()
    this.beganAt = now
    if (this.deaths >= this.options.retries) this.request = undefined // this worker is the last one
    const { timeout } = this.options
    if (timeout !== undefined && timeout !== Infinity) this.#timer = setTimeout(onTimeout, timeout, this)
  }

  stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** @param value - a result, or a stream if `isStreaming` is set */
  resolve(value: unknown): void {
    this.#settle()
    this.request = undefined
    if (!this.isStreaming) this.end()
    this.#resolve(value)
    this.#forgetPromise()
  }

  /** Like `reject`, but appends the stack of the functions that await the call. */
  fail(error: unknown): void {
    if (!(error instanceof Error)) return this.reject(error)
    this.#reject = () => this.#resolve(withCallerStack(error))
    this.reject(error)
  }

  /** Rejects the promise, and closes the captured descriptors that have not been sent. */
  reject(error: unknown): void {
    this.#settle()
    this.end()
    this.#reject(error)
    this.#forgetPromise()
    this.request?.discard()
    this.request = undefined
  }

  /** Stops watching the user's signal: the call has settled, and its stream has ended. */
  end(): void {
    this.isStreaming = false
    if (this.#onAbort) forgetAbort(this.options.signal!, this.#onAbort)
    this.#onAbort = undefined
  }

  #settle(): void {
    this.isSettled = true
    this.stopTimer()
  }

  #forgetPromise(): void {
    this.#promise = undefined
    this.#resolve = this.#reject = () => {}
  }
}
