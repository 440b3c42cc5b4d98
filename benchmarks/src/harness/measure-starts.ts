import { median, quantile } from '../statistics.js'
import type { Metrics } from './benchmark.js'
import { durations } from './measure-calls.js'
import { countDescendants, treeProcessorTimeWithEnded, untilDescendantsEnd } from './process-tree.js'
import { deadlineAfter, repeatConcurrently } from './repeat.js'

/** A worker whose first byte has arrived. */
export interface StartedWorker {
  /** Makes the worker end. Does not wait for it. */
  stop(): void
}

/** Starts a worker. */
export type Start = () => Promise<StartedWorker>

/** Workers per second, and the time that each has taken. */
export interface StartTimes {
  perSecond: number
  milliseconds: number[]
}

/** Processor time is counted in steps of 10 ms: of fewer starts, it can be 0. */
const ENOUGH_STARTS = 5

/**
 * Starts workers for a period, a number of them at a time, after a shorter period that warms up.
 *
 * @returns with the processor time of all processes per worker, from its start to its end
 */
export async function measureStarts(start: Start, concurrency: number, isQuick: boolean): Promise<Metrics> {
  const { warmUp, measured } = durations(isQuick)
  const others = countDescendants()
  if (warmUp) await startFor(start, concurrency, warmUp)
  await untilDescendantsEnd(others)
  const before = treeProcessorTimeWithEnded()
  const isEnough = (starts: number): boolean =>
    starts >= ENOUGH_STARTS || (starts > 0 && treeProcessorTimeWithEnded() > before)
  const times = await startFor(start, concurrency, measured, isEnough)
  await untilDescendantsEnd(others)
  const processorMilliseconds = (treeProcessorTimeWithEnded() - before) / times.milliseconds.length
  return { ...startMetrics(times), processorMilliseconds }
}

async function startFor(
  start: Start,
  concurrency: number,
  milliseconds: number,
  isEnough = (_starts: number): boolean => true,
): Promise<StartTimes> {
  const times: number[] = []
  const started = performance.now()
  let last = started
  const isOver = deadlineAfter(milliseconds)
  await repeatConcurrently(
    concurrency,
    () => isOver() && isEnough(times.length),
    async () => {
      const requestedAt = performance.now()
      const worker = await start()
      last = performance.now()
      times.push(last - requestedAt)
      worker.stop()
    },
  )
  return { perSecond: (1000 * times.length) / (last - started), milliseconds: times }
}

/** Summarises the times of starts. */
export function startMetrics({ perSecond, milliseconds }: StartTimes): Metrics {
  return { perSecond, medianMilliseconds: median(milliseconds), p95Milliseconds: quantile(milliseconds, 0.95) }
}
