import type { PreforkWorker } from './prefork-worker.js'

/** One of the places for workers: it has a worker that accepts connections, or one is being started. */
export class Place {
  readonly id: number
  /** The worker that accepts connections. */
  worker: PreforkWorker | undefined
  /** Settles when a worker has been started here, or the server stops. Never rejects. */
  starting: Promise<void> | undefined

  constructor(id: number) {
    this.id = id
  }
}
