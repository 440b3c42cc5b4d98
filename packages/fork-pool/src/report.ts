import { memoryOf } from '@anyfork/fork-rpc'
import type { ForkPool } from './pool.js'
import type { WorkerFigures } from './worker.js'

/** What `--report` writes. */
export interface Report {
  inputs: number
  failed: number
  seconds: number
  workers: (WorkerFigures & { ussBytes: number; pssBytes: number })[]
}

/** Counts and the figures of the workers that are alive now. */
export async function reportOf(call: ForkPool, counts: { inputs: number; failed: number }, milliseconds: number): Promise<Report> {
  const workers = call.workers.map(async figures => {
    const { uss, pss } = await memoryOf(figures.pid)
    return { ...figures, ussBytes: uss, pssBytes: pss }
  })
  return { ...counts, seconds: milliseconds / 1000, workers: await Promise.all(workers) }
}
