import type { Contestant, Figures, Question } from './harness/benchmark.js'
import { compile } from './harness/c-program.js'
import { durations, expectAnswer, roundTripFigures, timeEach } from './harness/measure-calls.js'
import { treeProcessorTime } from './harness/process-tree.js'
import { startPeer } from './peers/peer.js'
import { callPerl, perlRpc } from './peers/perl-rpc.js'
import { type Message, messages } from './peers/rpc-messages.js'

const IN_C: Contestant = { way: 'send and recv in C', peer: 'c' }
/** Of a frame with `add(1, 2)`. */
const BYTES = 16

export const question: Question = {
  title: 'How long is a round trip to one worker?',
  method:
    'One call after the other for a second: from the call until its promise is settled. Processor µs: what a round trip costs program and worker together, waiting by turning included. Beside them what the kernel takes: as many bytes between two programs in C that do nothing else.',
  isMoreBetter: false,
  contestants: [
    { way: '@anyfork/fork-rpc, cbor', peer: 'fork-rpc', variant: { serialiser: 'cbor' } },
    { way: '@anyfork/fork-rpc, octets', peer: 'fork-rpc', variant: { serialiser: 'octets' } },
    { way: '@anyfork/fork-rpc, cbor, spin 0', peer: 'fork-rpc', variant: { serialiser: 'cbor', spin: 0 } },
    { way: '@anyfork/fork-rpc, cbor, async', peer: 'fork-rpc', variant: { serialiser: 'cbor', async: true } },
    { way: '@anyfork/fork-rpc, octets, async', peer: 'fork-rpc', variant: { serialiser: 'octets', async: true } },
    { way: '@anyfork/fork-rpc, json', peer: 'fork-rpc', variant: { serialiser: 'json' } },
    { way: '@anyfork/fork-rpc, v8', peer: 'fork-rpc', variant: { serialiser: 'v8' } },
    { way: 'child_process.fork, json', peer: 'child-process', variant: { serialization: 'json' } },
    { way: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { way: 'worker_threads postMessage', peer: 'worker-threads' },
    { way: 'birpc over worker_threads', peer: 'birpc', variant: { channel: 'thread' } },
    { way: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { way: 'piscina', peer: 'piscina' },
    ...perlRpc,
    IN_C,
  ],
  settings: isQuick =>
    isQuick
      ? [
          { message: 'add(1, 2)', cpus: 'one' },
          { message: '8-byte string', cpus: 'free' },
        ]
      : Object.keys(messages).flatMap(message => [
          { message, cpus: 'free' },
          { message, cpus: 'one' },
        ]),
  excludes: ({ variant }, { message }) =>
    messages[message as Message].isNumbers && variant?.['serialiser'] === 'octets',
  async measure(contestant, { message }, isQuick) {
    const { task, args, result } = messages[message as Message]
    if (contestant.perlModule) return roundTripFigures((await callPerl(contestant, message!, 1, isQuick)).milliseconds)
    if (contestant.way === IN_C.way) return inC(durations(isQuick).measured)
    const team = await startPeer(contestant, { task, workers: 1 })
    const call = (): Promise<unknown> => team.call(...args)
    await expectAnswer(call, result)
    const { warmUp, measured } = durations(isQuick)
    await timeEach(call, warmUp)
    const before = treeProcessorTime()
    const times = await timeEach(call, measured)
    return { ...roundTripFigures(times), processorMicroseconds: (1000 * (treeProcessorTime() - before)) / times.length }
  },
}

function inC(milliseconds: number): Figures {
  using program = compile('round-trip')
  const [medianMicroseconds, meanMicroseconds, p99Microseconds, processorMicroseconds] = program.run(
    BYTES,
    milliseconds,
  ) as [number, number, number, number]
  return { medianMicroseconds, meanMicroseconds, p99Microseconds, processorMicroseconds }
}
