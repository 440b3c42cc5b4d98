import { gather } from './harness/barrier.js'
import type { Question } from './harness/benchmark.js'
import { loadPeer, type Team } from './peers/peer.js'
import { isEager, pools, singleCalls } from './peers/pools.js'

const WORKERS = 8
const NONE = 'no worker yet'

export const question: Question = {
  title: 'How soon does an idle pool get through a burst of calls?',
  method: `All at once, a number of calls, each of which blocks its worker for 20 ms without using a processor, given to a pool of at most ${WORKERS}. With 50 calls, no less than 140 ms are possible. With «${NONE}», the pool is as in pool-first-answer.`,
  isMoreBetter: false,
  contestants: pools.map(singleCalls),
  settings: isQuick =>
    (isQuick ? [NONE] : [NONE, `${WORKERS} workers idle`]).map(pool => ({
      pool,
      calls: isQuick ? 10 : 50,
      cpus: 'free',
    })),
  async measure(contestant, { pool, calls }) {
    const start = await loadPeer(contestant.peer)
    const make = (): Team =>
      start(
        { task: 'block', workers: WORKERS, fromZero: pool === NONE },
        (contestant.variant ?? {}) as Record<string, never>,
      )
    let team = pool === NONE && isEager(contestant) ? undefined : make()
    await team?.ready?.()
    if (pool !== NONE) await gather(WORKERS, (file, count) => team!.call(0, [file, count]))
    const asked = performance.now()
    team ??= make()
    await Promise.all(Array.from({ length: Number(calls) }, () => team.call(20)))
    return { milliseconds: performance.now() - asked }
  },
}
