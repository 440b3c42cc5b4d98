import assert from 'node:assert/strict'
import type { Question } from './harness/benchmark.js'
import { durations, timeEach } from './harness/measure-calls.js'
import { startPeer } from './peers/peer.js'
import { median } from './statistics.js'

export const question: Question = {
  title: 'How fast does a large buffer go to one worker and back?',
  method:
    'Echo of a buffer, one after the other: MiB a second count it once, though it goes both ways. With transfer, memory is moved instead of copied, which only threads of one process can, and the sender has it no more.',
  isMoreBetter: true,
  contestants: [
    { way: '@anyfork/fork-rpc, cbor', peer: 'fork-rpc', variant: { serialiser: 'cbor' } },
    { way: '@anyfork/fork-rpc, octets', peer: 'fork-rpc', variant: { serialiser: 'octets' } },
    { way: '@anyfork/fork-rpc, v8', peer: 'fork-rpc', variant: { serialiser: 'v8' } },
    { way: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
    { way: 'birpc over child_process.fork, advanced', peer: 'birpc', variant: { channel: 'process' } },
    { way: 'worker_threads postMessage', peer: 'worker-threads' },
    { way: 'worker_threads postMessage, with transfer', peer: 'worker-threads', variant: { transfer: true } },
  ],
  settings: isQuick => (isQuick ? [1, 8] : [1, 64]).map(mebibytes => ({ mebibytes, cpus: 'free' })),
  async measure(contestant, { mebibytes }, isQuick) {
    const team = await startPeer(contestant, { task: 'echo', workers: 1 })
    let buffer = new Uint8Array(Number(mebibytes) * 2 ** 20).fill(1)
    const size = buffer.length
    const echo = async (): Promise<void> => {
      buffer = (await team.call(buffer)) as typeof buffer
    }
    await echo()
    assert.equal(buffer.length, size)
    assert.equal(buffer[size - 1], 1)
    const { warmUp, measured } = durations(isQuick)
    await timeEach(echo, warmUp)
    const milliseconds = median(await timeEach(echo, measured))
    return { mebibytesPerSecond: (1000 * Number(mebibytes)) / milliseconds, medianMilliseconds: milliseconds }
  },
}
