import type { Benchmark, Metrics, Subject } from './harness/benchmark.js'
import { compile } from './harness/c-program.js'
import { assertAnswer, durations, latencyMetrics, timeCalls } from './harness/measure-calls.js'
import { treeProcessorTime } from './harness/process-tree.js'
import { startPeer } from './peers/peer.js'
import { callPerl, perlRpc } from './peers/perl-rpc.js'
import { type Message, messages } from './peers/rpc-messages.js'

const IN_C: Subject = { name: 'send and recv in C', peer: 'c', needs: 'cc' }
/** The size of the frame of `add(1, 2)`. */
const FRAME_BYTES = 16

export const benchmark: Benchmark = {
  title: 'How long does a round trip to a worker take?',
  method:
    'Makes one call after the other for 0.4 seconds. Measured from the call until its promise settles. Processor µs: the processor time of program and worker per round trip, including busy-waiting. The row in C is the cost of the kernel alone: two C programs exchange as many bytes, and do nothing else.',
  isHigherBetter: false,
  subjects: [
    { name: '@anyfork/fork-rpc, cbor', peer: 'fork-rpc', variant: { serialiser: 'cbor' } },
    { name: '@anyfork/fork-rpc, octets', peer: 'fork-rpc', variant: { serialiser: 'octets' } },
    { name: '@anyfork/fork-rpc, cbor, spin 0', peer: 'fork-rpc', variant: { serialiser: 'cbor', spin: 0 } },
    { name: '@anyfork/fork-rpc, cbor, async', peer: 'fork-rpc', variant: { serialiser: 'cbor', async: true } },
    { name: '@anyfork/fork-rpc, octets, async', peer: 'fork-rpc', variant: { serialiser: 'octets', async: true } },
    { name: '@anyfork/fork-rpc, json', peer: 'fork-rpc', variant: { serialiser: 'json' } },
    { name: '@anyfork/fork-rpc, v8', peer: 'fork-rpc', variant: { serialiser: 'v8' } },
    { name: 'child_process.fork, json', peer: 'child-process', variant: { serialization: 'json' } },
    { name: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { name: 'worker_threads postMessage', peer: 'worker-threads' },
    { name: 'comlink over worker_threads', peer: 'comlink' },
    { name: 'birpc over worker_threads', peer: 'birpc', variant: { channel: 'thread' } },
    { name: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { name: 'piscina', peer: 'piscina' },
    ...perlRpc,
    IN_C,
  ],
  settings: isQuick =>
    isQuick
      ? [{ message: 'add(1, 2)', cpus: 'one' }] // rpc-throughput takes the other kind of message
      : [
          { message: 'add(1, 2)', cpus: 'free' },
          { message: '8-byte string', cpus: 'one' },
        ],
  excludes: ({ variant }, { message }) =>
    messages[message as Message].isNumbers && variant?.['serialiser'] === 'octets',
  async measure(subject, { message }, isQuick) {
    const { task, args, result } = messages[message as Message]
    if (subject.perlModule) return latencyMetrics((await callPerl(subject, message!, 1, isQuick)).milliseconds)
    if (subject.name === IN_C.name) return measureC(durations(isQuick).measured)
    const client = await startPeer(subject, { task, workers: 1 })
    const call = (): Promise<unknown> => client.call(...args)
    await assertAnswer(call, result)
    const { warmUp, measured } = durations(isQuick)
    await timeCalls(call, warmUp, result)
    const before = treeProcessorTime()
    const times = await timeCalls(call, measured, result)
    return { ...latencyMetrics(times), processorMicroseconds: (1000 * (treeProcessorTime() - before)) / times.length }
  },
}

function measureC(milliseconds: number): Metrics {
  using program = compile('round-trip')
  const [medianMicroseconds, meanMicroseconds, p99Microseconds, processorMicroseconds] = program.run(
    FRAME_BYTES,
    milliseconds,
  ) as [number, number, number, number]
  return { medianMicroseconds, meanMicroseconds, p99Microseconds, processorMicroseconds }
}
