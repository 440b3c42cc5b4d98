import { setTimeout } from 'node:timers/promises'
import { gather } from './harness/barrier.js'
import type { Question } from './harness/benchmark.js'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { loadPeer, type Start } from './peers/peer.js'
import { pools, singleCalls } from './peers/pools.js'

const WORKERS = 8

export const question: Question = {
  title: `How much memory do ${WORKERS} workers of a pool take, and what they are made from?`,
  method: `The memory of the program with all its processes, before the pool is made, and after each of ${WORKERS} workers has answered and is idle. PSS counts what several processes share in shares.`,
  isMoreBetter: false,
  contestants: pools.map(singleCalls),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY]).map(module => ({ module })),
  async measure({ peer, variant }, { module }, isQuick) {
    chooseModule(module)
    const start: Start = await loadPeer(peer)
    const before = totalPss(await treeMemory())
    const team = start({ task: 'meet', workers: WORKERS }, (variant ?? {}) as Record<string, never>)
    await gather(WORKERS, team.call)
    await setTimeout(isQuick ? 10 : 1000)
    return { pssMebibytes: totalPss(await treeMemory()) - before }
  },
}
