import { bytesInStatus } from '@anyfork/fork/internal'
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

/** Memory of a worker, or limits of it, in bytes. */
interface Bytes {
  pss: number
  /** Private memory that the worker has gained since it was started. */
  growth: number
}

/** The result of the last measurement of a worker. */
interface Measured extends Bytes {
  rss: number
  /** When to measure it next unless it has grown, in milliseconds of `performance.now()`. */
  next: number
}

const UNKNOWN: Measured = { pss: 0, growth: 0, rss: 0, next: 0 }

/**
 * Kills workers whose calls use more memory than `memory`, and replaces those that exceed `recycle.pss` or
 * `recycle.growth`. Looks only at workers that have had calls since the last time. Does not keep the pool from being
 * collected.
 *
 * @returns a function that stops the measurements
 */
export function enforceMemoryLimits(
  listener: MemoryListener,
  { memory, recycle: { pss, growth } }: PoolSettings,
): () => void {
  const lowest = Math.min(memory, pss)
  if (lowest === Infinity && growth === Infinity) return () => {}
  const ref = new WeakRef(listener)
  const measured = new WeakMap<Worker, Measured>()

  const measure = async (worker: Worker, pid: number): Promise<void> => {
    const begun = performance.now()
    measured.set(worker, { ...(measured.get(worker) ?? UNKNOWN), next: Infinity }) // until this measurement is done
    const { pss, rss, uss } = await memoryOf(pid)
    const now = performance.now()
    const bytes = { pss, growth: uss - worker.bytesAtStart }
    measured.set(worker, { ...bytes, rss, next: now + (now - begun) * SHARE })
    const listener = ref.deref()
    if (!listener) return
    const { workerSet } = listener
    if (pss > memory && worker.load) listener.onLimitExceeded(worker, () => memoryError(memory))
    else if (!workerSet.ready.has(worker)) return
    else if (pss > lowest) void workerSet.retire(worker)
    else if (bytes.growth > growth) void workerSet.replace(worker)
  }

  const look = (worker: Worker, limits: Bytes): void => {
    if (!worker.isUnmeasured || worker.pid === undefined) return
    worker.isUnmeasured = worker.load > 0
    const resident = bytesInStatus(worker.pid, 'VmRSS') // never less than the PSS, or the growth
    if (resident <= limits.pss && resident <= limits.growth) return
    const { pss, growth, rss, next } = measured.get(worker) ?? UNKNOWN
    const more = resident - rss
    if (pss + more <= limits.pss && growth + more <= limits.growth && performance.now() < next) {
      worker.isUnmeasured = true
      return
    }
    if (next < Infinity) measure(worker, worker.pid).catch(() => {}) // the worker has just ended
  }

  const timer = setInterval(
    () => {
      const workerSet = ref.deref()?.workerSet
      if (!workerSet) return clearInterval(timer)
      for (const worker of workerSet.all)
        look(worker, workerSet.ready.has(worker) ? { pss: lowest, growth } : { pss: memory, growth: Infinity })
    },
    memory === Infinity ? RECYCLE_PERIOD_MS : KILL_PERIOD_MS,
  ).unref()
  return () => clearInterval(timer)
}

function memoryError(limit: number): PoolError {
  return new PoolError('ERR_POOL_MEMORY', `the worker has exceeded its memory limit of ${limit} bytes`)
}
