import assert from 'node:assert/strict'
import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { type Client, loadPeer } from './peers/peer.js'
import { isEager, pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8
const NO_WORKERS = 'no worker yet'

export const benchmark: Benchmark = {
  title: 'How long does an idle pool take for a burst of calls?',
  method: `Makes all calls at once, in a pool of at most ${WORKERS} workers. Each call blocks its worker for 20 ms without using a processor, so that 50 calls take at least 140 ms. Measured from the first call until the last result. With “${NO_WORKERS}”, the pool starts from zero, as in pool-first-answer.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick =>
    (isQuick ? [NO_WORKERS] : [NO_WORKERS, `${WORKERS} workers idle`]).map(pool => ({
      pool,
      calls: isQuick ? 4 : 50,
      cpus: 'free',
    })),
  async measure(subject, { pool, calls }, isQuick) {
    const workers = isQuick ? 2 : WORKERS
    const start = await loadPeer(subject)
    const make = (): Client => start({ task: 'block', workers, fromZero: pool === NO_WORKERS })
    let client = pool === NO_WORKERS && isEager(subject) ? undefined : make()
    await client?.ready?.()
    if (pool !== NO_WORKERS) await occupyWorkers(workers, (file, count) => client!.call(0, [file, count]))
    const startedAt = performance.now()
    client ??= make()
    const results = await Promise.all(Array.from({ length: Number(calls) }, () => client.call(20)))
    const milliseconds = performance.now() - startedAt
    assert.deepEqual(results, Array(Number(calls)).fill(20))
    return { milliseconds }
  },
}
