import { setTimeout } from 'node:timers/promises'
import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { loadPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8

export const benchmark: Benchmark = {
  title: `How much memory does a pool with ${WORKERS} workers use, with its template?`,
  method: `The growth of the memory of the program and all its processes, from before the pool is made until each of its ${WORKERS} workers has run one call and is idle. PSS divides each shared page among the processes that share it.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module })),
  async measure(subject, { module }, isQuick) {
    const workers = isQuick ? 2 : WORKERS
    setWorkerModule(module)
    const start = await loadPeer(subject)
    const before = totalPss(await treeMemory())
    const client = start({ task: 'waitAtBarrier', workers })
    await occupyWorkers(workers, client.call)
    await setTimeout(isQuick ? 10 : 300)
    return { pssMebibytes: totalPss(await treeMemory()) - before }
  },
}
