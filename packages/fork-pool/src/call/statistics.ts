import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** How the calls of a pool have ended. Calls that have not ended, or were not accepted, are in no other count. */
export interface CallCounts {
  /** Calls that resolved; a call that resolved with a stream counts when the stream ends. */
  done: number
  /** Calls that rejected, or whose stream failed, including `lost`, `timedOut`, and `aborted`. */
  failed: number
  /** Failed calls whose worker died. */
  lost: number
  /** Failed calls that exceeded their `timeout`. */
  timedOut: number
  /** Failed calls whose `signal` was aborted. */
  aborted: number
  /** How often a call was repeated because its worker died. */
  retried: number
  /** Calls that were not accepted: the queue was full, the pool was closed, or the signal had been aborted. */
  rejected: number
}

/**
 * What a worker is doing:
 *
 * - `'starting'`: its process exists, but cannot be called yet.
 * - `'idle'`: it has no call.
 * - `'busy'`: it has at least one call, even if it ends after that.
 * - `'ending'`: it has no call and accepts none; its process has not exited yet.
 */
export type WorkerState = 'starting' | 'idle' | 'busy' | 'ending'

/** A call that a worker has. */
export interface RunningCall {
  /** Its arguments. The caller may have changed objects among them since the call: the worker has the earlier state. */
  args: readonly unknown[]
  /** How long it has been running, in milliseconds. */
  milliseconds: number
}

/** The figures of one worker at one moment. */
export interface WorkerFigures {
  /** The worker's process id. */
  pid: number
  /** How the worker was made: by fork(2), or as a fresh interpreter, which takes longer and shares no memory. */
  mode: 'fork' | 'exec'
  /** What the worker is doing. */
  state: WorkerState
  /** How long the worker took from the order to fork it until it could be called, in milliseconds; 0 while it starts. */
  startMilliseconds: number
  /** Time since the order to fork the worker, in milliseconds. */
  ageMilliseconds: number
  /** How long the worker has had at least one call, in milliseconds, in total. */
  busyMilliseconds: number
  /** How many calls the worker has been given so far. */
  calls: number
  /** How many calls the worker has now. */
  load: number
  /** The oldest call that the worker has. Missing if it has none. */
  running?: RunningCall
}

/** How a call ended. */
export type Ending = 'done' | 'failed' | 'lost' | 'timedOut' | 'aborted'

/** The counts of a pool, and histograms of how long its calls waited and ran, in nanoseconds. */
export class Statistics {
  readonly counts: CallCounts = { done: 0, failed: 0, lost: 0, timedOut: 0, aborted: 0, retried: 0, rejected: 0 }
  readonly wait: RecordableHistogram = createHistogram()
  readonly run: RecordableHistogram = createHistogram()
  readonly #startedAt = performance.now()

  get upMilliseconds(): number {
    return performance.now() - this.#startedAt
  }

  recordEnding(ending: Ending): void {
    this.counts[ending]++
    if (ending !== 'done' && ending !== 'failed') this.counts.failed++
  }

  /** Records the times of a call that its worker has answered, in milliseconds. */
  recordTimes(waited: number, ran: number): void {
    this.wait.record(nanoseconds(waited))
    this.run.record(nanoseconds(ran))
  }
}

/** Returns at least 1, the lowest value that a histogram records. */
function nanoseconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds * 1e6))
}
