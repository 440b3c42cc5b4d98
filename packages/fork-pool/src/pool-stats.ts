import type { Histogram } from 'node:perf_hooks'
import { type MemoryFigures, memoryOf } from '@anyfork/fork-rpc'
import type { CallTracker } from './call/call-tracker.js'
import type { CallCounts, WorkerFigures } from './call/statistics.js'
import type { WorkerSet } from './worker/worker-set.js'

/** What a pool has done, and what it is doing. */
export interface PoolStats {
  upMilliseconds: number
  calls: CallCounts & { waiting: number; running: number }
  /** How long calls that were answered had waited and run, in nanoseconds; those that yield, until that was over. */
  wait: Histogram
  run: Histogram
  /** The part of their time that workers, those of the past included, had calls: 0 to 1. */
  utilisation: number
  /** All that are there and have not ended; `memory` is missing for one that ends just now. */
  workers: (WorkerFigures & { memory?: MemoryFigures })[]
  /** Workers started and died so far, and processes forked ahead. */
  started: number
  died: number
  spares: number
  template: { pid: number | undefined; memory?: MemoryFigures }
}

/** Gathers all figures. */
export async function statsOf(workerSet: WorkerSet, tracker: CallTracker): Promise<PoolStats> {
  const { counts, wait, run, upMilliseconds } = tracker.statistics
  const figures = [...workerSet.all].filter(worker => worker.pid !== undefined).map(worker => worker.figures())
  const busy = sum(figures.map(one => one.busyMilliseconds)) + workerSet.past.busyMilliseconds
  const alive = sum(figures.map(one => one.ageMilliseconds)) + workerSet.past.aliveMilliseconds
  const { pid } = workerSet.templates.current.process
  const stats = {
    upMilliseconds,
    calls: { ...counts, waiting: tracker.waiting, running: tracker.open - tracker.waiting + tracker.streams.size },
    wait,
    run,
    utilisation: alive && busy / alive,
    started: workerSet.past.started,
    died: workerSet.past.died,
    spares: workerSet.spares.length,
  }
  const [template, ...workers] = await Promise.all([{ pid }, ...figures].map(withMemory))
  return { ...stats, workers: workers as PoolStats['workers'], template: template! }
}

async function withMemory<T extends { pid: number | undefined }>(process: T): Promise<T & { memory?: MemoryFigures }> {
  try {
    return process.pid ? { ...process, memory: await memoryOf(process.pid) } : process
  } catch {
    return process
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
