import type { CallList } from './call-list.js'
import type { CallQueue } from './call-queue.js'
import type { CallSettings } from './call-options.js'
import type { Worker } from './worker.js'

let lastNumber = 0

/** One call of a pool, from when it is made to when it is settled, which happens once. */
export class Call {
  readonly args: unknown[]
  readonly options: CallSettings
  readonly promise: Promise<unknown>
  /** In the order in which they were made. */
  readonly number: number = ++lastNumber
  /** Milliseconds of `performance.now()`: when it was made, and last began to run. */
  readonly madeAt: number = performance.now()
  beganAt = 0
  /** How many workers have died of it. */
  deaths = 0
  isSettled = false
  /** Where it waits, or the worker that has it. */
  queue: CallQueue | undefined
  worker: Worker | undefined
  list: CallList | undefined
  previous: Call | undefined
  next: Call | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #onAbort: (() => void) | undefined

  constructor(args: unknown[], options: CallSettings) {
    this.args = args
    this.options = options
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Calls back once when its signal says that the result is not wanted any more. */
  watchSignal(onAbort: (reason: unknown) => void): void {
    const { signal } = this.options
    if (!signal) return
    this.#onAbort = () => onAbort(signal.reason)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** It runs from now on; calls back when its time is up. */
  begin(now: number, onTimeout: (call: Call) => void): void {
    this.beganAt = now
    const { timeout } = this.options
    if (timeout !== undefined) this.#timer = setTimeout(onTimeout, timeout, this)
  }

  /** It does not run any more: its worker is gone, or has answered. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  resolve(value: unknown): void {
    this.#settle()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#settle()
    this.#reject(error)
  }

  #settle(): void {
    this.isSettled = true
    this.stop()
    if (this.#onAbort) this.options.signal!.removeEventListener('abort', this.#onAbort)
    this.#onAbort = undefined
  }
}
