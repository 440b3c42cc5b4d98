import assert from 'node:assert/strict'
import type { Benchmark } from './harness/benchmark.js'
import { assertAnswer } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 2

export const benchmark: Benchmark = {
  title: `How long do ${WORKERS} workers of a pool take for work that needs only processors?`,
  method:
    'Makes all calls at once. Each counts primes for about ten milliseconds. Measured from the first call until the last result. All workers have started before, and have run as many calls to warm up.',
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => [{ calls: isQuick ? 4 : 100, limit: isQuick ? 1000 : 100_000, cpus: 'free' }],
  async measure(subject, { calls, limit }, isQuick) {
    const client = await startPeer(subject, { task: 'countPrimes', workers: isQuick ? 1 : WORKERS })
    const all = async (): Promise<void> => {
      const counts = await Promise.all(Array.from({ length: Number(calls) }, () => client.call(limit)))
      assert.deepEqual(counts, Array(Number(calls)).fill(limit === 1000 ? 168 : 9592))
    }
    await assertAnswer(() => client.call(1000), 168)
    await all()
    const startedAt = performance.now()
    await all()
    return { milliseconds: performance.now() - startedAt }
  },
}
