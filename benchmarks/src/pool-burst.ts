import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { type Client, loadPeer } from './peers/peer.js'
import { isEager, pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8
const NONE = 'no worker yet'

export const benchmark: Benchmark = {
  title: 'How soon does an idle pool get through a burst of calls?',
  method: `All at once, a number of calls, each of which blocks its worker for 20 ms without using a processor, given to a pool of at most ${WORKERS}. With 50 calls, no less than 140 ms are possible. With «${NONE}», the pool is as in pool-first-answer.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick =>
    (isQuick ? [NONE] : [NONE, `${WORKERS} workers idle`]).map(pool => ({
      pool,
      calls: isQuick ? 10 : 50,
      cpus: 'free',
    })),
  async measure(subject, { pool, calls }) {
    const start = await loadPeer(subject.peer)
    const make = (): Client =>
      start(
        { task: 'block', workers: WORKERS, fromZero: pool === NONE },
        (subject.variant ?? {}) as Record<string, never>,
      )
    let client = pool === NONE && isEager(subject) ? undefined : make()
    await client?.ready?.()
    if (pool !== NONE) await occupyWorkers(WORKERS, (file, count) => client!.call(0, [file, count]))
    const asked = performance.now()
    client ??= make()
    await Promise.all(Array.from({ length: Number(calls) }, () => client.call(20)))
    return { milliseconds: performance.now() - asked }
  },
}
