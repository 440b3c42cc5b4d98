import type { Benchmark, Subject } from './harness/benchmark.js'
import { assertAnswer, callsPerSecond, durations } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { callPerl, perlRpc } from './peers/perl-rpc.js'
import { type Message, messages } from './peers/rpc-messages.js'

const own = [false, true].flatMap(async =>
  (['cbor', 'octets', 'json', 'v8'] as const).map(
    (serialiser): Subject => ({
      name: `@anyfork/fork-rpc, ${serialiser}${async ? ', async' : ''}`,
      peer: 'fork-rpc',
      variant: { serialiser, async },
    }),
  ),
)

export const benchmark: Benchmark = {
  title: 'How many calls per second does one worker run?',
  method:
    'Keeps a number of calls pending for 0.4 seconds: each result is followed by the next call. Peers that give a worker only one or a few calls at a time by default have two rows: with the default, and with a limit of 1000.',
  isHigherBetter: true,
  subjects: [
    ...own,
    { name: 'child_process.fork, json', peer: 'child-process', variant: { serialization: 'json' } },
    { name: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { name: 'worker_threads postMessage', peer: 'worker-threads' },
    { name: 'comlink over worker_threads', peer: 'comlink' },
    { name: 'birpc over worker_threads', peer: 'birpc', variant: { channel: 'thread' } },
    { name: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { name: 'piscina', peer: 'piscina' },
    { name: 'piscina, concurrentTasksPerWorker 1000', peer: 'piscina', variant: { concurrentTasksPerWorker: 1000 } },
    { name: 'worker-farm', peer: 'worker-farm' },
    { name: 'worker-farm, maxConcurrentCallsPerWorker 1000', peer: 'worker-farm', variant: { callsPerWorker: 1000 } },
    ...perlRpc,
  ],
  settings: isQuick =>
    isQuick
      ? [{ message: '8-byte string', pendingCalls: 100, cpus: 'free' }]
      : [
          { message: 'add(1, 2)', pendingCalls: 100, cpus: 'free' },
          { message: '8-byte string', pendingCalls: 1000, cpus: 'free' },
        ],
  excludes: ({ variant }, { message }) =>
    messages[message as Message].isNumbers && variant?.['serialiser'] === 'octets',
  async measure(subject, { message, pendingCalls }, isQuick) {
    const { task, args, result } = messages[message as Message]
    if (subject.perlModule)
      return { perSecond: (await callPerl(subject, message!, Number(pendingCalls), isQuick)).perSecond }
    const client = await startPeer(subject, { task, workers: 1 })
    const call = (): Promise<unknown> => client.call(...args)
    await assertAnswer(call, result)
    return { perSecond: await callsPerSecond(call, Number(pendingCalls), durations(isQuick), result) }
  },
}
