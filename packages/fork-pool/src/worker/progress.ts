import type { WorkerConnection } from './worker-connection.js'

/** What the pool sees of the progress of a worker, even while the worker blocks. */
export class Progress {
  readonly #connection: WorkerConnection
  #longCalls = 0
  #begun = 0
  #begunAt = 0

  constructor(connection: WorkerConnection) {
    this.#connection = connection
  }

  /** Returns whether the worker has run a long call since this was last called. */
  takeHasRunLong(): boolean {
    const { longCalls } = this.#connection
    const hasRunLong = longCalls !== this.#longCalls
    this.#longCalls = longCalls
    return hasRunLong
  }

  /** Forgets what `look` has seen before. */
  restart(now: number): void {
    this.#begunAt = now
  }

  /** Returns for how long the worker has not begun another call, in milliseconds, as far as that was seen. */
  look(now: number): number {
    const { begun } = this.#connection
    if (begun !== this.#begun) {
      this.#begun = begun
      this.#begunAt = now
    }
    return now - this.#begunAt
  }
}
