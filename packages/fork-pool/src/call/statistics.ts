import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** What became of calls. */
export interface CallCounts {
  /** Settled: with a result, or with an error of any kind; one that yields, when that is over. */
  done: number
  failed: number
  /** Of those that failed: because their worker died, their time was up, their signal said so. */
  lost: number
  timedOut: number
  aborted: number
  /** Made again after their worker had died. */
  retried: number
}

export type WorkerState = 'starting' | 'idle' | 'busy' | 'ending'

/** What a worker has done. */
export interface WorkerFigures {
  pid: number
  state: WorkerState
  /** From asking the template for it to its first byte, in milliseconds. */
  startMilliseconds: number
  ageMilliseconds: number
  /** How long it had calls. */
  busyMilliseconds: number
  /** How many calls it was given, and has now. */
  calls: number
  load: number
  /** The arguments of the call that began first of those that run, and how long it has been running. */
  running?: { args: readonly unknown[]; milliseconds: number }
}

/** How a call ended. */
export type Ending = 'done' | 'failed' | 'lost' | 'timedOut' | 'aborted'

/** Counts of a pool, and how long its calls waited and ran, in nanoseconds. */
export class Statistics {
  readonly counts: CallCounts = { done: 0, failed: 0, lost: 0, timedOut: 0, aborted: 0, retried: 0 }
  readonly wait: RecordableHistogram = createHistogram()
  readonly run: RecordableHistogram = createHistogram()
  readonly #startedAt = performance.now()

  get upMilliseconds(): number {
    return performance.now() - this.#startedAt
  }

  ended(ending: Ending): void {
    this.counts[ending]++
    if (ending !== 'done' && ending !== 'failed') this.counts.failed++
  }

  /** A call that its worker has answered; times in milliseconds. */
  answered(waited: number, ran: number): void {
    this.wait.record(nanoseconds(waited))
    this.run.record(nanoseconds(ran))
  }
}

/** A histogram begins at 1. */
function nanoseconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds * 1e6))
}
