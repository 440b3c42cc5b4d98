import type { Call } from '../call/call.js'
import type { Worker } from './worker.js'
import type { WorkerListener } from './worker-listener.js'

/** Who is told of what becomes of the workers. */
export interface WorkerSetListener extends WorkerListener {
  /** There is one more, for a call, or for any. */
  onReady(worker: Worker, reserved: Call | undefined): void
  /** One will get no more calls. */
  onGone(worker: Worker): void
  /**
   * The worker for this call could not be started.
   *
   * @param error - why none will be; `undefined` where another may be
   */
  onStartFailed(reserved: Call, error?: unknown): void
  /** None can be started and none is left. */
  onHopeless(error: unknown): void
  /** More or fewer workers may be started than before. */
  onChange(): void
}
