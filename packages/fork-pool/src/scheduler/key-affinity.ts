import type { Worker } from '../worker/worker.js'

/** How many keys are remembered. Beyond that, the oldest is forgotten. */
const MOST_KEYS = 100_000

/** Maps keys to workers, so that calls with equal keys go to the same worker. */
export class KeyAffinity {
  readonly #workers = new Map<unknown, Worker>()

  workerOf(key: unknown): Worker | undefined {
    return key === undefined ? undefined : this.#workers.get(key)
  }

  /** Binds a key to a worker, unless the key is bound. */
  bind(key: unknown, worker: Worker): void {
    if (key === undefined || this.#workers.has(key)) return
    if (this.#workers.size >= MOST_KEYS) this.#forget(this.#workers.keys().next().value)
    this.#workers.set(key, worker)
    worker.keys.add(key)
  }

  /** Frees the keys of a worker, so that they can be bound to others. */
  release(worker: Worker): void {
    for (const key of worker.keys) this.#workers.delete(key)
    worker.keys.clear()
  }

  #forget(key: unknown): void {
    this.#workers.get(key)!.keys.delete(key)
    this.#workers.delete(key)
  }
}
