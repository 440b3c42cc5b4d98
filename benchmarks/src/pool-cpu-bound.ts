import type { Benchmark } from './harness/benchmark.js'
import { assertAnswer } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 2

export const benchmark: Benchmark = {
  title: `How soon have ${WORKERS} workers of a pool done work that takes nothing but processors?`,
  method:
    'Counts primes in as many calls, all asked for at once, each of some ten milliseconds, after as many to warm up; all workers have started before.',
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => [{ calls: isQuick ? 4 : 100, limit: isQuick ? 1000 : 100_000, cpus: 'free' }],
  async measure(subject, { calls, limit }) {
    const client = await startPeer(subject, { task: 'countPrimes', workers: WORKERS })
    const all = (): Promise<unknown[]> => Promise.all(Array.from({ length: Number(calls) }, () => client.call(limit)))
    await assertAnswer(() => client.call(1000), 168)
    await all()
    const asked = performance.now()
    await all()
    return { milliseconds: performance.now() - asked }
  },
}
