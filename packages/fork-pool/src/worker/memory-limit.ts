import { memoryOf } from '@anyfork/fork-rpc'
import type { WorkerSet } from './worker-set.js'

const PERIOD_MS = 500

/**
 * Retires workers whose proportional set size exceeds a limit. Every half a second, measures the workers that have had
 * calls since they were last measured. Does not keep the worker set from being collected.
 *
 * @param limit - PSS in bytes, or `Infinity`
 * @returns a function that stops the measurements
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
        () => {}, // the worker has just ended
      )
    }
  }, PERIOD_MS).unref()
  return () => clearInterval(timer)
}
