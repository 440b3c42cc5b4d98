import assert from 'node:assert/strict'
import type { Benchmark } from './harness/benchmark.js'
import { assertAnswer, durations } from './harness/measure-calls.js'
import { deadlineAfter, repeatConcurrently } from './harness/repeat.js'
import { startPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'
import { quantile } from './statistics.js'

const WORKERS = 2
const LONG_MS = 20
/** One call in so many is long. */
const LONG_EVERY = 100

export const benchmark: Benchmark = {
  title: 'How long do tiny calls take if one call in a hundred is long?',
  method: `Keeps a number of calls pending for 1.2 seconds, in a pool of ${WORKERS} workers. Each call adds two numbers; every ${LONG_EVERY}th blocks its worker for ${LONG_MS} ms before. Measures the time of the others, from the call until its result: half of them are faster than p50, 99 % than p99, and 99.9 % than p99.9.`,
  isHigherBetter: false,
  subjects: [
    ...pools,
    { name: '@anyfork/fork-pool, load 1', peer: 'fork-pool', variant: { load: 1 } },
    { name: '@anyfork/fork-pool, load 16', peer: 'fork-pool', variant: { load: 16 } },
    ...pools.filter(({ peer }) => peer === 'worker-farm').map(withOneCallPerWorker),
  ],
  settings: isQuick => (isQuick ? [10] : [100]).map(pendingCalls => ({ pendingCalls, cpus: 'free' })),
  async measure(subject, { pendingCalls }, isQuick) {
    const { warmUp, measured } = durations(isQuick)
    const client = await startPeer(subject, { task: 'addAfter', workers: WORKERS })
    await assertAnswer(() => client.call(0, 1, 2), 3)
    let count = 0
    const times: number[] = []
    const isWarm = deadlineAfter(warmUp)
    const call = async (): Promise<void> => {
      const isLong = ++count % LONG_EVERY === 0
      const isMeasured = isWarm()
      const calledAt = performance.now()
      assert.equal(await client.call(isLong ? LONG_MS : 0, 1, 2), 3)
      if (isMeasured && !isLong) times.push(performance.now() - calledAt)
    }
    await repeatConcurrently(Number(pendingCalls), deadlineAfter(warmUp + 3 * measured), call)
    return {
      p99Microseconds: 1000 * quantile(times, 0.99),
      p50Microseconds: 1000 * quantile(times, 0.5),
      'p99.9Microseconds': 1000 * quantile(times, 0.999),
      perSecond: (1000 * times.length) / (3 * measured),
    }
  },
}
