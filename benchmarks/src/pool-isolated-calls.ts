import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { assertAnswer, callsPerSecond, durations } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'

const WORKERS = 4

export const benchmark: Benchmark = {
  title: 'How many calls per second run, each in a process or thread of its own?',
  method: `Keeps ${WORKERS} calls of \`add(1, 2)\` pending for 0.4 seconds. Each worker runs one call and ends. By hand: the program starts a worker for each call, and exchanges one message with it.`,
  isHigherBetter: true,
  subjects: [
    { name: '@anyfork/fork-pool, isolate', peer: 'fork-pool', variant: { isolate: true } },
    {
      name: `@anyfork/fork-pool, isolate, spare ${WORKERS}`,
      peer: 'fork-pool',
      variant: { isolate: true, spare: WORKERS },
    },
    {
      name: 'tinypool, worker_threads, isolateWorkers',
      peer: 'tinypool',
      variant: { runtime: 'worker_threads', isolateWorkers: true },
    },
    {
      name: 'tinypool, child_process, isolateWorkers',
      peer: 'tinypool',
      variant: { runtime: 'child_process', isolateWorkers: true },
    },
    { name: 'child_process.fork, by hand', peer: 'single-use', variant: { kind: 'process' } },
    { name: 'worker_threads, by hand', peer: 'single-use', variant: { kind: 'thread' } },
  ],
  settings: isQuick =>
    (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({
      module,
      pendingCalls: isQuick ? 1 : WORKERS,
      cpus: 'free',
    })),
  async measure(subject, { module, pendingCalls }, isQuick) {
    setWorkerModule(module)
    const client = await startPeer(subject, { task: 'add', workers: WORKERS, fromZero: true })
    await client.ready?.()
    const call = (): Promise<unknown> => client.call(1, 2)
    await assertAnswer(call, 3)
    return { perSecond: await callsPerSecond(call, Number(pendingCalls), durations(isQuick), 3, 1) }
  },
}
