import assert from 'node:assert/strict'
import { type Rpc, run } from '@anyfork/fork-rpc'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { frame } from './support/raw-frames.js'

const module = new URL('./fixtures/raw-writer.js', import.meta.url)
const ROUNDS = isSoak ? 2000 : 10
const RESULT = 17
/** The list [1] in CBOR. */
const ONE = Buffer.from([0x81, 0x01])

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
    ['one byte that begins no frame', Buffer.from('a')],
    ['text that begins like a frame', Buffer.from('!\n')],
    ['a long frame without the mark of headers', frame(RESULT, { length: 1 << 20 }).fill(0, 1, 2)],
    ['a long frame with a number that it has no use for', frame(RESULT, { length: 1 << 20, number: 1 })],
    ['ones', Buffer.alloc(1000, 0xff)],
    ['a header that announces 4 GiB', frame(RESULT, { length: 0xffffffff })],
    ['a result of a call that was not made', frame(RESULT, { id: 5, payload: ONE })],
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
    ]
    for (const bytes of beginnings)
      await assert.rejects(start()(bytes, true), { code: 'ERR_PROCESS_EXITED', exitCode: 6 })
  })

  it('does not settle a call twice', async () => {
    const writeRaw = start()
    const result = frame(RESULT, { payload: ONE }) // the ID of the call is 0
    assert.equal(await writeRaw(Buffer.concat([result, result]), false), 1)
    await assert.rejects(writeRaw(Buffer.alloc(0), false), { code: 'ERR_RPC_PROTOCOL' })
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
