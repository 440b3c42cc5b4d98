import type { Contestant, Question } from './harness/benchmark.js'
import { countCalls, durations, expectAnswer } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { callPerl, perlRpc } from './peers/perl-rpc.js'
import { type Message, messages } from './peers/rpc-messages.js'

const own = [false, true].flatMap(async =>
  (['cbor', 'octets', 'json', 'v8'] as const).map(
    (serialiser): Contestant => ({
      way: `@anyfork/fork-rpc, ${serialiser}${async ? ', async' : ''}`,
      peer: 'fork-rpc',
      variant: { serialiser, async },
    }),
  ),
)

export const question: Question = {
  title: 'How many calls a second does one worker answer?',
  method:
    'Always so many calls outstanding, for a second: each that is answered is followed by the next. A peer that gives a worker one call at a time unless told otherwise is there both ways.',
  isMoreBetter: true,
  contestants: [
    ...own,
    { way: 'child_process.fork, json', peer: 'child-process', variant: { serialization: 'json' } },
    { way: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { way: 'worker_threads postMessage', peer: 'worker-threads' },
    { way: 'birpc over worker_threads', peer: 'birpc', variant: { channel: 'thread' } },
    { way: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { way: 'piscina', peer: 'piscina' },
    { way: 'piscina, concurrentTasksPerWorker 1000', peer: 'piscina', variant: { concurrentTasksPerWorker: 1000 } },
    { way: 'worker-farm', peer: 'worker-farm' },
    { way: 'worker-farm, maxConcurrentCallsPerWorker 1000', peer: 'worker-farm', variant: { callsPerWorker: 1000 } },
    ...perlRpc,
  ],
  settings: isQuick =>
    isQuick
      ? [{ message: '8-byte string', outstanding: 100, cpus: 'free' }]
      : Object.keys(messages).flatMap(message =>
          [100, 1000].map(outstanding => ({ message, outstanding, cpus: 'free' })),
        ),
  excludes: ({ variant }, { message }) =>
    messages[message as Message].isNumbers && variant?.['serialiser'] === 'octets',
  async measure(contestant, { message, outstanding }, isQuick) {
    const { task, args, result } = messages[message as Message]
    if (contestant.perlModule)
      return { perSecond: (await callPerl(contestant, message!, Number(outstanding), isQuick)).perSecond }
    const team = await startPeer(contestant, { task, workers: 1 })
    const call = (): Promise<unknown> => team.call(...args)
    await expectAnswer(call, result)
    return { perSecond: await countCalls(call, Number(outstanding), durations(isQuick)) }
  },
}
