import type { Worker } from '../worker/worker.js'

/** So many keys are remembered; beyond, the oldest is forgotten. */
const MOST = 100_000

/** Which worker the calls of a key go to. */
export class KeyAffinity {
  readonly #workers = new Map<unknown, Worker>()

  workerOf(key: unknown): Worker | undefined {
    return key === undefined ? undefined : this.#workers.get(key)
  }

  bind(key: unknown, worker: Worker): void {
    if (key === undefined || this.#workers.has(key)) return
    if (this.#workers.size >= MOST) this.#forget(this.#workers.keys().next().value)
    this.#workers.set(key, worker)
    worker.keys.add(key)
  }

  /** Its keys go to others from now on. */
  release(worker: Worker): void {
    for (const key of worker.keys) this.#workers.delete(key)
    worker.keys.clear()
  }

  #forget(key: unknown): void {
    this.#workers.get(key)!.keys.delete(key)
    this.#workers.delete(key)
  }
}
