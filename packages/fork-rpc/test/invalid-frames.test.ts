import assert from 'node:assert/strict'
import { type Rpc, run } from '@anyfork/fork-rpc'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const module = new URL('./fixtures/raw-writer.js', import.meta.url)
const ROUNDS = isSoak ? 2000 : 30
const RESULT = 17
const ANNOUNCED_BYTES = 0xffffffff

/** Makes a frame as docs/WIRE.md describes it. The length in its header may be false. */
function frame(
  kind: number,
  parts: { id?: number; flags?: number; number?: number; payload?: Buffer; length?: number } = {},
): Buffer {
  const { id = 0, flags = 0, number = 0, payload = Buffer.alloc(0) } = parts
  const { length = payload.length } = parts
  const header = Buffer.alloc(12)
  header.writeUInt32LE(length, 0)
  header.writeUInt32LE(id, 4)
  header[8] = kind
  header[9] = flags
  header.writeUInt16LE(number, 10)
  return Buffer.concat([header, payload])
}

/** Returns a source of numbers from 0 to 1, the same ones for the same seed: xorshift32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

describe('a process that sends invalid frames', () => {
  const { fork, track } = useConnections()
  const start = (): Rpc => track(run(fork(), module, 'writeRaw', { onError: () => {}, onEvent: () => {} }))

  const invalid: [what: string, bytes: Buffer][] = [
    ['a frame of an unknown kind', frame(200)],
    ['a frame of a kind that only callers send', frame(1)],
    ['notes that are not JSON', Buffer.concat([frame(49, { payload: Buffer.from('{') }), frame(RESULT, { flags: 1 })])],
    [
      'notes that are JSON, but not notes',
      Buffer.concat([frame(49, { payload: Buffer.from('[[1]]') }), frame(RESULT, { flags: 1 })]),
    ],
    ['a frame without the notes that its flag announces', frame(19, { flags: 1 })],
    ['a frame that announces more descriptors than have arrived', frame(50, { number: 3 })],
    ['the report that it dropped a call that was not aborted', frame(21)],
    ['zeroes', Buffer.alloc(1000)],
  ]
  for (const [what, bytes] of invalid) {
    it(`is killed after ${what}, and its calls reject with ERR_RPC_PROTOCOL`, async () => {
      const writeRaw = start()
      await assert.rejects(writeRaw(bytes, false), { code: 'ERR_RPC_PROTOCOL' })
      assert.deepEqual(await writeRaw.ended, { code: null, signal: 'SIGKILL' })
      await assert.rejects(writeRaw(bytes, false), { code: 'ERR_RPC_PROTOCOL' })
    })
  }

  it('rejects its calls with the exit code if it exits within a frame', async () => {
    const beginnings = [
      frame(RESULT).subarray(0, 5),
      frame(RESULT, { length: 100 }),
      frame(RESULT, { length: 1_000_000 }),
      Buffer.alloc(100_000, 0xff),
    ]
    for (const bytes of beginnings)
      await assert.rejects(start()(bytes, true), { code: 'ERR_PROCESS_EXITED', exitCode: 6 })
  })

  it('does not make the caller allocate the 4 GiB that a frame announces', async () => {
    const writeRaw = start()
    await writeRaw.ready()
    const { bytesReceived } = writeRaw.counters
    const before = process.memoryUsage().arrayBuffers
    const call = writeRaw(frame(RESULT, { length: ANNOUNCED_BYTES }), false)
    while (writeRaw.counters.bytesReceived === bytesReceived) await new Promise(setImmediate)
    assert.ok(process.memoryUsage().arrayBuffers - before < ANNOUNCED_BYTES / 2) // it allocates 64 MiB
    process.kill(writeRaw.pid!, 'SIGKILL')
    await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
  })

  it('does not settle calls that were not made, nor a call twice', async () => {
    const writeRaw = start()
    const one = Buffer.from([0x81, 0x01]) // [1] in CBOR
    const results = [0, 5, 5, 0xffffffff].map(id => frame(RESULT, { id, payload: one }))
    assert.equal(await writeRaw(Buffer.concat(results), false), 1) // the ID of this call is 0
    assert.equal(await writeRaw(Buffer.alloc(0), false), 'written')
  })

  it(`sends ${ROUNDS} kinds of noise: each call settles, and nothing is left over`, async () => {
    const kinds = [16, 17, 18, 19, 20, 21, 32, 33, 34, 35, 36, 37, 38, 39, 48, 49, 50]
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const next = random(seed)
      const below = (limit: number): number => Math.floor(next() * limit)
      const frames = Array.from({ length: 20 }, () =>
        frame(kinds[below(kinds.length)]!, {
          id: below(3),
          flags: next() < 0.2 ? 1 : 0,
          number: below(3),
          payload: Buffer.from(Array.from({ length: below(40) }, () => below(256))),
        }),
      )
      const bytes = Buffer.concat(frames)
      for (let i = 0; i < 3; i++) if (next() < 0.5) bytes[below(bytes.length)] = below(256)
      const writeRaw = start()
      const [outcome] = await Promise.allSettled([writeRaw(bytes, true)])
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Error, `seed ${seed}`)
      await writeRaw.ended
    }
  })
})
