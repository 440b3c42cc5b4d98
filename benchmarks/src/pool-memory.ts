import { setTimeout } from 'node:timers/promises'
import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { loadPeer, type StartPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8

export const benchmark: Benchmark = {
  title: `How much memory do ${WORKERS} workers of a pool take, and what they are made from?`,
  method: `The memory of the program with all its processes, before the pool is made, and after each of ${WORKERS} workers has answered and is idle. PSS counts what several processes share in shares.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module })),
  async measure({ peer, variant }, { module }, isQuick) {
    setWorkerModule(module)
    const start: StartPeer = await loadPeer(peer)
    const before = totalPss(await treeMemory())
    const client = start({ task: 'waitAtBarrier', workers: WORKERS }, (variant ?? {}) as Record<string, never>)
    await occupyWorkers(WORKERS, client.call)
    await setTimeout(isQuick ? 10 : 1000)
    return { pssMebibytes: totalPss(await treeMemory()) - before }
  },
}
