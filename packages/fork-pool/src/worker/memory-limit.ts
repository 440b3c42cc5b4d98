import { memoryOf } from '@anyfork/fork-rpc'
import type { WorkerSet } from './worker-set.js'

const PERIOD_MS = 500

/**
 * Retires workers whose share of memory has grown above a limit. Only those are looked at
 * that have had calls since the last time.
 *
 * @param limit - PSS, in bytes
 * @returns stops it; so does the end of the pool, and that nobody refers to it any more
 */
export function enforceMemoryLimit(workerSet: WorkerSet, limit: number): () => void {
  if (limit === Infinity) return () => {}
  const ref = new WeakRef(workerSet)
  const timer = setInterval(() => {
    const workerSet = ref.deref()
    if (!workerSet) return clearInterval(timer)
    for (const worker of workerSet.ready) {
      if (!worker.isUnmeasured || worker.pid === undefined) continue
      worker.isUnmeasured = worker.load > 0
      memoryOf(worker.pid).then(
        ({ pss }) => void (pss > limit && workerSet.ready.has(worker) && workerSet.retire(worker)),
        () => {}, // it has just ended
      )
    }
  }, PERIOD_MS).unref()
  return () => clearInterval(timer)
}
