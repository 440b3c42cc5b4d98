import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { loadPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8

export const benchmark: Benchmark = {
  title: `How long until a pool has ${WORKERS} workers at work?`,
  method: `From making a pool of ${WORKERS}, template and all, until each of its workers has been called; every call is held until then.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure({ peer, variant }, { module }) {
    setWorkerModule(module)
    const start = await loadPeer(peer)
    const made = process.hrtime.bigint()
    const client = start({ task: 'waitAtBarrier', workers: WORKERS }, (variant ?? {}) as Record<string, never>)
    return { milliseconds: Number((await occupyWorkers(WORKERS, client.call)) - made) / 1e6 }
  },
}
