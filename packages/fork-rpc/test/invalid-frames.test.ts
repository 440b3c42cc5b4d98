import assert from 'node:assert/strict'
import { type Rpc, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const module = new URL('./fixtures/raw-writer.js', import.meta.url)
const ROUNDS = process.env['ANYFORK_SOAK'] ? 2000 : 30

/** A frame, as it goes over the socket. */
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

/** xorshift32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

describe('a process that does not say what it should', () => {
  const { fork, track } = useConnections()
  const start = (): Rpc => track(run(fork(), module, 'say', { onError: () => {}, onEvent: () => {} }))

  const nonsense: [what: string, bytes: Buffer][] = [
    ['a frame of no known kind', frame(200)],
    ['a frame of a kind that only a caller sends', frame(1)],
    ['notes that are no JSON', Buffer.concat([frame(49, { payload: Buffer.from('{') }), frame(17, { flags: 1 })])],
    ['notes that are no notes', Buffer.concat([frame(49, { payload: Buffer.from('[[1]]') }), frame(17, { flags: 1 })])],
    ['a frame without the notes that it should have', frame(19, { flags: 1 })],
    ['fewer descriptors than it says', frame(50, { number: 3 })],
    ['that it has dropped a call that was not given up', frame(21)],
    ['zeroes', Buffer.alloc(1000)],
    ['ones', Buffer.alloc(100_000, 0xff)],
  ]
  for (const [what, bytes] of nonsense) {
    it(`sends ${what}: ERR_RPC_PROTOCOL, or its end, and the process is gone`, async () => {
      const say = start()
      const error = await say(bytes, what === 'ones').then(
        () => assert.fail('it said so'),
        (reason: NodeJS.ErrnoException) => reason,
      )
      assert.ok(['ERR_RPC_PROTOCOL', 'ERR_PROCESS_EXITED'].includes(error.code!), error.stack)
      await say.ended
      await assert.rejects(say(bytes, false))
    })
  }

  it('ends within a frame: the call rejects with its exit code', async () => {
    for (const bytes of [frame(17).subarray(0, 5), frame(17, { length: 100 }), frame(17, { length: 1_000_000 })]) {
      await assert.rejects(start()(bytes, true), { code: 'ERR_PROCESS_EXITED', exitCode: 6 })
    }
  })

  it('says that 4 GiB will come: no memory is taken for what does not come', async () => {
    const say = start()
    await say.ready()
    const before = process.memoryUsage().rss
    await assert.rejects(say(frame(17, { length: 0xffffffff }), true), { code: 'ERR_PROCESS_EXITED', exitCode: 6 })
    assert.ok(process.memoryUsage().rss - before < 30e6)
  })

  it('answers calls that were not made, and others twice: they are ignored', async () => {
    const say = start()
    const answers = [0, 5, 5, 0xffffffff].map(id => frame(17, { id, payload: Buffer.from([0x81, 0x01]) }))
    assert.equal(await say(Buffer.concat(answers), false), 1) // its own call was the first
    assert.equal(await say(Buffer.alloc(0), false), 'said')
  })

  it(`sends ${ROUNDS} kinds of noise: each call settles, nothing crashes, nothing stays`, async function () {
    this.timeout(ROUNDS * 1000)
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const next = random(seed)
      const kinds = [16, 17, 18, 19, 20, 21, 32, 33, 34, 35, 36, 37, 38, 39, 48, 49, 50]
      const frames = Array.from({ length: 20 }, () =>
        frame(kinds[Math.floor(next() * kinds.length)]!, {
          id: Math.floor(next() * 3),
          flags: next() < 0.2 ? 1 : 0,
          number: Math.floor(next() * 3),
          payload: Buffer.from(Array.from({ length: Math.floor(next() * 40) }, () => Math.floor(next() * 256))),
        }),
      )
      const bytes = Buffer.concat(frames)
      for (let i = 0; i < 3; i++) if (next() < 0.5) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
      const say = start()
      const [outcome] = await Promise.allSettled([say(bytes, true)])
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Error)
      await say.ended
    }
  })
})
