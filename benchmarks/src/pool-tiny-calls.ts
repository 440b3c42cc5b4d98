import type { Question } from './harness/benchmark.js'
import { countCalls, durations, expectAnswer } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { pools } from './peers/pools.js'

const WORKERS = 2

export const question: Question = {
  title: `How many tiny calls a second do ${WORKERS} workers of a pool answer?`,
  method:
    'Always so many calls of `add(1, 2)` outstanding, for a second. A pool that gives a worker one call at a time, or few, unless told otherwise is there both ways.',
  isMoreBetter: true,
  contestants: [
    ...pools,
    { way: '@anyfork/fork-pool, load 1000', peer: 'fork-pool', variant: { load: 1000 } },
    { way: '@anyfork/fork-pool, load 1000, async', peer: 'fork-pool', variant: { load: 1000, async: true } },
    { way: 'piscina, concurrentTasksPerWorker 1000', peer: 'piscina', variant: { concurrentTasksPerWorker: 1000 } },
    {
      way: 'tinypool, worker_threads, concurrentTasksPerWorker 1000',
      peer: 'tinypool',
      variant: { runtime: 'worker_threads', concurrentTasksPerWorker: 1000 },
    },
    {
      way: 'tinypool, child_process, concurrentTasksPerWorker 1000',
      peer: 'tinypool',
      variant: { runtime: 'child_process', concurrentTasksPerWorker: 1000 },
    },
    { way: 'worker-farm, maxConcurrentCallsPerWorker 1000', peer: 'worker-farm', variant: { callsPerWorker: 1000 } },
  ],
  settings: isQuick => (isQuick ? [100] : [100, 1000]).map(outstanding => ({ outstanding, cpus: 'free' })),
  async measure(contestant, { outstanding }, isQuick) {
    const team = await startPeer(contestant, { task: 'add', workers: WORKERS })
    const call = (): Promise<unknown> => team.call(1, 2)
    await expectAnswer(call, 3)
    return { perSecond: await countCalls(call, Number(outstanding), durations(isQuick)) }
  },
}
