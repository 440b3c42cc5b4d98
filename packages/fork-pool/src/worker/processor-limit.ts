import { processorTimeOf } from '@anyfork/fork/internal'
import type { Call } from '../call/call.js'
import { PoolError } from '../errors.js'
import type { Worker } from './worker.js'

/** The longest time between two looks at running calls, in milliseconds: their workers may have several threads. */
const LONGEST_MS = 100

/** A running call. */
interface Running {
  worker: Worker
  pid: number
  /** The processor time of its worker when the call began, in milliseconds. */
  from: number
}

/** Reports calls that exceed their `cpuMs`. Has no timer while no such call runs. */
export class ProcessorLimit {
  readonly #onExceeded: (worker: Worker, call: Call, error: PoolError) => void
  readonly #running = new Map<Call, Running>()
  #timer: NodeJS.Timeout | undefined
  #due = Infinity

  constructor(onExceeded: (worker: Worker, call: Call, error: PoolError) => void) {
    this.#onExceeded = onExceeded
  }

  /** @param call - has just begun, and has a limit */
  begin(worker: Worker, call: Call): void {
    const pid = worker.pid!
    const from = processorTimeOf(pid)
    if (from === undefined) return // the worker has just ended
    this.#running.set(call, { worker, pid, from })
    this.#lookAt(call.beganAt + Math.min(call.options.cpuMs!, LONGEST_MS))
  }

  end(call: Call): void {
    this.#running.delete(call)
  }

  #lookAt(due: number): void {
    if (due >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => this.#look(), Math.ceil(due - performance.now())).unref()
  }

  #look(): void {
    this.#due = Infinity
    let least = Infinity
    for (const [call, { worker, pid, from }] of this.#running) {
      const limit = call.options.cpuMs!
      const left = limit - ((processorTimeOf(pid) ?? from) - from)
      if (left > 0) least = Math.min(least, left)
      else {
        this.#running.delete(call)
        const message = `the call has exceeded its limit of ${limit} ms of processor time`
        this.#onExceeded(worker, call, new PoolError('ERR_POOL_CPU', message))
      }
    }
    if (least !== Infinity) this.#lookAt(performance.now() + Math.min(least, LONGEST_MS))
  }
}
