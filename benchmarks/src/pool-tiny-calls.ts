import type { Benchmark } from './harness/benchmark.js'
import { assertAnswer, callsPerSecond, durations } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { pools } from './peers/pools.js'

const WORKERS = 2

export const benchmark: Benchmark = {
  title: `How many tiny calls per second do ${WORKERS} workers of a pool run?`,
  method:
    'Keeps a number of calls of `add(1, 2)` pending for 0.4 seconds. Pools that give a worker only one or a few calls at a time by default have two rows: with the default, and with a limit of 1000. fork-pool adapts to the length of the calls by default, and has another row with one call at a time.',
  isHigherBetter: true,
  subjects: [
    ...pools,
    { name: '@anyfork/fork-pool, load 1', peer: 'fork-pool', variant: { load: 1 } },
    { name: '@anyfork/fork-pool, load 1000', peer: 'fork-pool', variant: { load: 1000 } },
    { name: '@anyfork/fork-pool, load 1000, async', peer: 'fork-pool', variant: { load: 1000, async: true } },
    { name: 'piscina, concurrentTasksPerWorker 1000', peer: 'piscina', variant: { concurrentTasksPerWorker: 1000 } },
    {
      name: 'tinypool, worker_threads, concurrentTasksPerWorker 1000',
      peer: 'tinypool',
      variant: { runtime: 'worker_threads', concurrentTasksPerWorker: 1000 },
    },
    {
      name: 'tinypool, child_process, concurrentTasksPerWorker 1000',
      peer: 'tinypool',
      variant: { runtime: 'child_process', concurrentTasksPerWorker: 1000 },
    },
    { name: 'worker-farm, maxConcurrentCallsPerWorker 1000', peer: 'worker-farm', variant: { callsPerWorker: 1000 } },
  ],
  settings: isQuick => (isQuick ? [100] : [1000]).map(pendingCalls => ({ pendingCalls, cpus: 'free' })),
  async measure(subject, { pendingCalls }, isQuick) {
    const client = await startPeer(subject, { task: 'add', workers: isQuick ? 1 : WORKERS })
    const call = (): Promise<unknown> => client.call(1, 2)
    await assertAnswer(call, 3)
    return { perSecond: await callsPerSecond(call, Number(pendingCalls), durations(isQuick), 3) }
  },
}
