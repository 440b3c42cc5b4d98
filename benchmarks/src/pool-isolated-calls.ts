import type { Question } from './harness/benchmark.js'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { countCalls, durations, expectAnswer } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'

const WORKERS = 4

export const question: Question = {
  title: 'How many calls a second are answered, each by a process or a thread of its own?',
  method: `Always ${WORKERS} calls of \`add(1, 2)\` outstanding, for a second. Each worker has one call and ends. By hand: a worker started for each call that answers one message.`,
  isMoreBetter: true,
  contestants: [
    { way: '@anyfork/fork-pool, isolate', peer: 'fork-pool', variant: { isolate: true } },
    {
      way: `@anyfork/fork-pool, isolate, spare ${WORKERS}`,
      peer: 'fork-pool',
      variant: { isolate: true, spare: WORKERS },
    },
    {
      way: 'tinypool, worker_threads, isolateWorkers',
      peer: 'tinypool',
      variant: { runtime: 'worker_threads', isolateWorkers: true },
    },
    {
      way: 'tinypool, child_process, isolateWorkers',
      peer: 'tinypool',
      variant: { runtime: 'child_process', isolateWorkers: true },
    },
    { way: 'child_process.fork, by hand', peer: 'single-use', variant: { kind: 'process' } },
    { way: 'worker_threads, by hand', peer: 'single-use', variant: { kind: 'thread' } },
  ],
  settings: isQuick =>
    (isQuick ? ['bare'] : ['bare', HEAVY]).map(module => ({ module, outstanding: WORKERS, cpus: 'free' })),
  async measure(contestant, { module, outstanding }, isQuick) {
    chooseModule(module)
    const team = await startPeer(contestant, { task: 'add', workers: WORKERS, fromZero: true })
    await team.ready?.()
    const call = (): Promise<unknown> => team.call(1, 2)
    await expectAnswer(call, 3)
    return { perSecond: await countCalls(call, Number(outstanding), durations(isQuick)) }
  },
}
