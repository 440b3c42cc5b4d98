import type { Call } from '../call/call.js'
import type { PoolStream } from '../call/pool-stream.js'
import type { Worker } from './worker.js'

/** Who is told of what becomes of a worker and its calls, to settle them. */
export interface WorkerListener {
  /** A call was answered, with a result, or with an error where it has failed; or its stream is over. */
  onAnswer(worker: Worker, call: Call, hasFailed: boolean, value: unknown, now: number): void
  /** A call was answered with something to iterate over, and has this worker until that is over. */
  onStream(call: Call, stream: PoolStream): void
  /** The stream of a call has lost its worker. */
  onStreamLost(call: Call): void
  /** A call runs longer than it may. */
  onTimeout(call: Call): void
  /** It wants no more calls. */
  onRetire(worker: Worker): void
  /** It has died, or was killed; of the calls that it had, those are told that are not settled. */
  onLost(worker: Worker, error: Error, begun: Call[], waiting: Call[]): void
}
