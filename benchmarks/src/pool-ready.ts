import { occupyWorkers } from './harness/barrier.js'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { loadPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8

export const benchmark: Benchmark = {
  title: `How long does a pool take until ${WORKERS} workers are running calls?`,
  method: `Makes a pool of ${WORKERS} workers, and its template, and makes ${WORKERS} calls. No call returns before all have started, so each worker runs one. Measured from making the pool until the last call has started.`,
  isHigherBetter: false,
  subjects: pools.map(withOneCallPerWorker),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure(subject, { module }, isQuick) {
    const workers = isQuick ? 2 : WORKERS
    setWorkerModule(module)
    const start = await loadPeer(subject)
    const madeAt = process.hrtime.bigint()
    const client = start({ task: 'waitAtBarrier', workers })
    return { milliseconds: Number((await occupyWorkers(workers, client.call)) - madeAt) / 1e6 }
  },
}
