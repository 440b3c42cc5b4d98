import { CallPromise, dropDescriptors, forgetAbort, onceAborted } from '@anyfork/fork-rpc/internal'
import type { CallSettings } from '../call-options.js'
import type { Worker } from '../worker/worker.js'
import type { CallList } from './call-list.js'
import type { CallQueue } from './call-queue.js'
import type { Ending } from './statistics.js'

let lastNumber = 0

/** One call of a pool, from when it is made to when it is settled, which happens once. */
export class Call {
  /** Of the function, where there are several. */
  readonly name: string
  readonly args: unknown[]
  readonly options: CallSettings
  /** In the order in which they were made. */
  readonly number: number = ++lastNumber
  /** Milliseconds of `performance.now()`: when it was made, and last began to run; 0 where it has not. */
  readonly madeAt: number = performance.now()
  beganAt = 0
  /** How many workers have died of it. */
  deaths = 0
  /** How many workers that were to be its own could not be started. */
  failedStarts = 0
  isSettled = false
  /** It was settled with something to iterate over, which is not over. */
  isStreaming = false
  /** How that is to be counted, where somebody put an end to it. */
  streamEnding: Ending | undefined
  /** Where it waits, or the worker that has it. */
  queue: CallQueue | undefined
  worker: Worker | undefined
  list: CallList | undefined
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
    this.#promise = new CallPromise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** To be asked for before it is settled. It is kept no longer: who drops it drops the stream that it may have brought. */
  get promise(): CallPromise {
    return this.#promise!
  }

  /** Calls back once when its signal says that the result is not wanted any more. */
  watchSignal(onAbort: (reason: unknown) => void): void {
    const { signal } = this.options
    if (!signal) return
    this.#onAbort = () => onAbort(signal.reason)
    onceAborted(signal, this.#onAbort)
  }

  /** Aborted when its result is not wanted any more; none where that cannot be. */
  get abandoned(): AbortSignal | undefined {
    if (!this.options.signal && this.options.timeout === undefined) return undefined
    return (this.#controller ??= new AbortController()).signal
  }

  /** To be called after it was settled, or where its stream is not wanted any more. */
  abandon(reason: unknown): void {
    this.#controller?.abort(reason)
  }

  /** It runs from now on; calls back when its time is up. */
  begin(now: number, onTimeout: (call: Call) => void): void {
    this.stop()
    this.beganAt = now
    const { timeout } = this.options
    if (timeout !== undefined && timeout !== Infinity) this.#timer = setTimeout(onTimeout, timeout, this)
  }

  /** It does not run any more: its worker is gone, or has answered. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  resolve(value: unknown): void {
    this.#settle()
    if (!this.isStreaming) this.end()
    this.#resolve(value)
    this.#forgetPromise()
  }

  reject(error: unknown): void {
    this.#settle()
    this.end()
    this.#reject(error)
    this.#forgetPromise()
    dropDescriptors(this.args) // those that were not sent
  }

  /** Nothing more is expected of it. */
  end(): void {
    this.isStreaming = false
    if (this.#onAbort) forgetAbort(this.options.signal!, this.#onAbort)
    this.#onAbort = undefined
  }

  #settle(): void {
    this.isSettled = true
    this.stop()
  }

  #forgetPromise(): void {
    this.#promise = undefined
    this.#resolve = this.#reject = () => {}
  }
}
