import assert from 'node:assert/strict'
import type { Rpc } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { passedPipe } from './support/passed-pipe.js'
import { stop } from './support/process-state.js'

const SIZE = 1 << 20

/** The ways in which a buffer loses its memory. */
const losses: [how: string, makeBuffer: () => ArrayBuffer, lose: (buffer: ArrayBuffer) => void][] = [
  ['transferred', () => new ArrayBuffer(SIZE), buffer => structuredClone(buffer, { transfer: [buffer] })],
  [
    'shrunk',
    () => new (ArrayBuffer as new (size: number, options: object) => ArrayBuffer)(SIZE, { maxByteLength: SIZE }),
    buffer => (buffer as ArrayBuffer & { resize(size: number): void }).resize(10),
  ],
]
const error = {
  name: 'TypeError',
  message: 'the memory of a large buffer was transferred or resized before it was sent',
}

for (const async of [false, true]) {
  describe(`large buffers that lose their memory, with async: ${async}`, () => {
    const { start } = useConnections()
    /** Starts a process and fills its socket, so that the next call is written only when it continues. */
    async function startStopped(name: string): Promise<{ call: Rpc; filling: Promise<unknown> }> {
      const call = start(name, { async })
      await call.ready()
      stop(call.pid!)
      const filling = call('x'.repeat(SIZE))
      await new Promise(setImmediate)
      return { call, filling }
    }

    for (const [how, makeBuffer, lose] of losses) {
      it(`a call rejects if its buffer is ${how} before the process serves`, async () => {
        const same = start('same', { async })
        const buffer = makeBuffer()
        const call = same(new Uint8Array(buffer), [passedPipe('closed')])
        const next = same('next')
        lose(buffer)
        await assert.rejects(call, error)
        assert.deepEqual(await next, ['next'])
      })

      it(`a call rejects if its buffer is ${how} before the socket has room`, async () => {
        const { call: same, filling } = await startStopped('same')
        const [first, second] = [makeBuffer(), makeBuffer()]
        const call = same.with({ timeout: 60_000 })([new Uint8Array(first), new Uint8Array(second)])
        const next = same('next')
        lose(first)
        lose(second)
        process.kill(same.pid!, 'SIGCONT')
        await assert.rejects(call, error)
        assert.deepEqual(await next, ['next'])
        await filling
        assert.equal(same.counters.pending, 0)
      })

      it(`a call rejects if its buffer is ${how} when half of it is written`, async () => {
        const same = start('same', { async })
        await same.ready()
        stop(same.pid!)
        const buffer = makeBuffer()
        const call = same(new Uint8Array(buffer))
        await new Promise(setImmediate)
        assert.ok(same.counters.bytesSent > 10_000)
        lose(buffer)
        process.kill(same.pid!, 'SIGCONT')
        await assert.rejects(call, error)
        assert.deepEqual(await same('next'), ['next'])
      })

      it(`a streamed argument fails if a buffer that it yielded is ${how}`, async () => {
        const collect = start('collect', { async })
        let isEnded = false
        function* values(): Generator<Uint8Array> {
          try {
            const buffer = makeBuffer()
            stop(collect.pid!)
            setImmediate(() => {
              lose(buffer)
              process.kill(collect.pid!, 'SIGCONT')
            })
            yield new Uint8Array(buffer) // the socket takes only a part of it
            assert.fail('the stream goes on')
          } finally {
            isEnded = true
          }
        }
        await assert.rejects(collect(values()), error)
        assert.equal(isEnded, true)
        assert.deepEqual(await collect([1, 2].values()), [1, 2])
      })
    }
  })
}
