import assert from 'node:assert/strict'
import type { Benchmark } from './harness/benchmark.js'
import { durations, timeCalls } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { median } from './statistics.js'

export const benchmark: Benchmark = {
  title: 'How fast does a large buffer travel to a worker and back?',
  method:
    'Sends a buffer to a worker, which returns it, one call after the other. MiB per second count the buffer once, although it travels in both directions. With transfer, the memory is moved instead of copied. Only threads of one process can do this, and the sender loses the buffer.',
  isHigherBetter: true,
  subjects: [
    { name: '@anyfork/fork-rpc, cbor', peer: 'fork-rpc', variant: { serialiser: 'cbor' } },
    { name: '@anyfork/fork-rpc, octets', peer: 'fork-rpc', variant: { serialiser: 'octets' } },
    { name: '@anyfork/fork-rpc, v8', peer: 'fork-rpc', variant: { serialiser: 'v8' } },
    { name: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { name: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { name: 'worker_threads postMessage', peer: 'worker-threads' },
    { name: 'worker_threads postMessage, with transfer', peer: 'worker-threads', variant: { transfer: true } },
  ],
  settings: isQuick => (isQuick ? [1] : [1, 64]).map(mebibytes => ({ mebibytes, cpus: 'free' })),
  async measure(subject, { mebibytes }, isQuick) {
    const client = await startPeer(subject, { task: 'echo', workers: 1 })
    let buffer = new Uint8Array(Number(mebibytes) * 2 ** 20).fill(1)
    const size = buffer.length
    const echo = async (): Promise<void> => {
      buffer = (await client.call(buffer)) as typeof buffer
      assert.equal(buffer.length, size)
      assert.equal(buffer[size - 1], 1)
    }
    await echo()
    const { warmUp, measured } = durations(isQuick)
    await timeCalls(echo, warmUp)
    const milliseconds = median(await timeCalls(echo, measured))
    return { mebibytesPerSecond: (1000 * Number(mebibytes)) / milliseconds, medianMilliseconds: milliseconds }
  },
}
