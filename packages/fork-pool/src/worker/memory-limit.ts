import { readFileSync } from 'node:fs'
import { memoryOf } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import type { Worker } from './worker.js'
import type { WorkerSet } from './worker-set.js'

/** How often to look at workers that may have to be killed, and at those that may have to be replaced, in milliseconds. */
const KILL_PERIOD_MS = 100
const RECYCLE_PERIOD_MS = 500
/** The kernel visits each page to find the PSS. It may spend one part of the time in so many on this. */
const SHARE = 20

/** The owner of the workers. */
export interface MemoryListener {
  readonly workerSet: WorkerSet
  /** A worker with calls exceeds its memory limit. */
  onLimitExceeded(worker: Worker, makeError: () => PoolError): void
}

/** What is known of the memory of a worker from the last measurement of its PSS. */
interface Measured {
  /** How much more its RSS was than its PSS, in bytes. */
  shared: number
  /** When to measure it next unless it has grown, in milliseconds of `performance.now()`. */
  next: number
}

/**
 * Kills workers whose calls use more memory than `memory`, and retires those that exceed `recycle.pss`. Looks only at
 * workers that have had calls since the last time. Does not keep the pool from being collected.
 *
 * @returns a function that stops the measurements
 */
export function enforceMemoryLimits(
  listener: MemoryListener,
  { memory, recycle: { pss: recycleAbove } }: PoolSettings,
): () => void {
  const lowest = Math.min(memory, recycleAbove)
  if (lowest === Infinity) return () => {}
  const ref = new WeakRef(listener)
  const measured = new WeakMap<Worker, Measured>()

  const measure = async (worker: Worker, pid: number): Promise<void> => {
    const begun = performance.now()
    const { pss, rss } = await memoryOf(pid)
    const now = performance.now()
    measured.set(worker, { shared: rss - pss, next: now + (now - begun) * SHARE })
    const listener = ref.deref()
    if (!listener) return
    if (pss > memory && worker.load) listener.onLimitExceeded(worker, () => memoryError(memory))
    else if (pss > lowest && listener.workerSet.ready.has(worker)) void listener.workerSet.retire(worker)
  }

  const look = (worker: Worker, limit: number): void => {
    if (!worker.isUnmeasured || worker.pid === undefined) return
    worker.isUnmeasured = worker.load > 0
    const resident = residentBytesOf(worker.pid) // never less than the PSS
    if (resident <= limit) return
    const { shared = Infinity, next = 0 } = measured.get(worker) ?? {}
    if (resident - shared <= limit && performance.now() < next) {
      worker.isUnmeasured = true
      return
    }
    measured.set(worker, { shared: Infinity, next: Infinity }) // until this measurement is done
    measure(worker, worker.pid).catch(() => {}) // the worker has just ended
  }

  const timer = setInterval(
    () => {
      const workerSet = ref.deref()?.workerSet
      if (!workerSet) return clearInterval(timer)
      for (const worker of workerSet.all) look(worker, workerSet.ready.has(worker) ? lowest : memory)
    },
    memory === Infinity ? RECYCLE_PERIOD_MS : KILL_PERIOD_MS,
  ).unref()
  return () => clearInterval(timer)
}

function memoryError(limit: number): PoolError {
  return new PoolError('ERR_POOL_MEMORY', `the worker has exceeded its memory limit of ${limit} bytes`)
}

/** Returns the resident memory of a process, proc_pid_status(5), or 0 if the process has ended. */
function residentBytesOf(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
