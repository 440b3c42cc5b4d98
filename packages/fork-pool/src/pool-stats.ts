import type { Histogram } from 'node:perf_hooks'
import { isRemote } from '@anyfork/fork/internal'
import { type ForkProcess, type MemoryFigures, memoryOf } from '@anyfork/fork-rpc'
import type { CallCounts, WorkerFigures } from './call/statistics.js'
import type { Scheduler } from './scheduler/scheduler.js'

/** How many calls of a pool have not ended. */
export interface PendingCounts {
  /** Calls that wait for a worker. */
  waiting: number
  /** The size of their encoded arguments, in bytes, with large buffers. */
  waitingBytes: number
  /** Calls that a worker has, including those whose stream has not ended. */
  running: number
}

/** The memory of a process. */
export interface WithMemory {
  /** In bytes. Missing if it cannot be read, because the process is ending or remote. */
  memory?: MemoryFigures
}

/** The template of a pool. */
export interface TemplateFigures extends WithMemory {
  /** Its process id; `undefined` until it is known. */
  pid: number | undefined
  /** How its last worker was made: by fork(2), or as a fresh interpreter. `undefined` until that is known. */
  mode: 'fork' | 'exec' | undefined
  /** What was in the way of fork(2) then. Missing if nothing was, and in mode `'exec'`. */
  obstacle?: string
}

/** What a pool has done so far, and what it is doing. */
export interface PoolStats {
  /** The age of the pool, in milliseconds. */
  upMilliseconds: number
  /** How many calls have ended, by outcome, and how many have not. */
  calls: CallCounts & PendingCounts
  /** How long the answered calls waited for a worker, in nanoseconds. */
  wait: Histogram
  /** How long the answered calls ran, in nanoseconds; a call that yields, until the end of its stream. */
  run: Histogram
  /** The fraction of their lifetime, 0 to 1, in which workers had calls. Includes workers that have ended. */
  utilisation: number
  /** All workers that have a process. */
  workers: (WorkerFigures & WithMemory)[]
  /** How many workers have been started so far. */
  started: number
  /** How many workers have died so far. Workers that the pool ended or killed do not count. */
  died: number
  /** How many processes have been forked in advance and wait to become workers. */
  spares: number
  /** The current template. */
  template: TemplateFigures
}

/** Collects the figures of a pool. */
export async function collectStats({ workerSet, tracker }: Scheduler): Promise<PoolStats> {
  const { counts, wait, run, upMilliseconds } = tracker.statistics
  const live = [...workerSet.all].filter(worker => worker.pid !== undefined)
  const figures = live.map(worker => worker.figures())
  const busy = sum(figures.map(one => one.busyMilliseconds)) + workerSet.past.busyMilliseconds
  const alive = sum(figures.map(one => one.ageMilliseconds)) + workerSet.past.aliveMilliseconds
  const { process } = workerSet.templates.current
  const { pid, lastFork } = process
  const made = { pid, mode: lastFork?.mode, ...(lastFork?.obstacle && { obstacle: lastFork.obstacle }) }
  const stats = {
    upMilliseconds,
    calls: { ...counts, waiting: tracker.waiting, waitingBytes: tracker.waitingBytes, running: tracker.running },
    wait,
    run,
    utilisation: alive && busy / alive,
    started: workerSet.past.started,
    died: workerSet.past.died,
    spares: workerSet.spares.length,
  }
  const [template, ...workers] = await Promise.all([
    withMemory(made, process),
    ...live.map((worker, i) => withMemory(figures[i]!, worker.process)),
  ])
  return { ...stats, workers, template }
}

async function withMemory<T extends object>(figures: T, process: ForkProcess): Promise<T & WithMemory> {
  const { pid } = process
  if (pid === undefined || isRemote(process)) return figures // the pid of a remote one is that of a command such as ssh
  try {
    return { ...figures, memory: await memoryOf(pid) }
  } catch {
    return figures // it has just ended
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
