import { memoryOf } from '@anyfork/fork-rpc'
import type { Crew } from './worker-set.js'

const PERIOD_MS = 500

/**
 * Retires workers whose share of memory has grown above a limit. Only those are looked at
 * that have had calls since the last time.
 *
 * @param limit - PSS, in bytes
 * @returns stops it; so does the end of the pool, and that nobody refers to it any more
 */
export function watchMemory(crew: Crew, limit: number): () => void {
  if (limit === Infinity) return () => {}
  const ref = new WeakRef(crew)
  const timer = setInterval(() => {
    const crew = ref.deref()
    if (!crew) return clearInterval(timer)
    for (const worker of crew.ready) {
      if (!worker.isUnmeasured || worker.pid === undefined) continue
      worker.isUnmeasured = worker.load > 0
      memoryOf(worker.pid).then(
        ({ pss }) => void (pss > limit && crew.ready.has(worker) && crew.retire(worker)),
        () => {}, // it has just ended
      )
    }
  }, PERIOD_MS).unref()
  return () => clearInterval(timer)
}
