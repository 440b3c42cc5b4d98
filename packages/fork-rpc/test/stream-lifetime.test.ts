import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { collectUntil, untilCollected } from './support/garbage.js'

const module = new URL('./fixtures/streams.js', import.meta.url)

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

for (const async of [false, true]) {
  describe(`the lifetime of a streamed result, with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, onEvent: () => {}, ...options }))

    it('aborting the call ends the stream with an AbortError', async () => {
      const events = new Events()
      const controller = new AbortController()
      const slow = start('slow', { onEvent: events.onEvent })
      const loop = async (): Promise<void> => {
        for await (const value of slow.with({ signal: controller.signal })()) if (value === 3) controller.abort()
      }
      await assert.rejects(loop(), { name: 'AbortError' })
      if (async) await events.first('aborted')
      await slow.close()
    })

    for (const signal of ['without a signal', 'with a signal', 'with a signal whose listener refers to it']) {
      it(`a stream ${signal} ends in the process once it is unreferenced`, async () => {
        const events = new Events()
        const count = start('count', { onEvent: events.onEvent })
        const begin = async (): Promise<void> => {
          const controller = new AbortController()
          const options = signal === 'without a signal' ? {} : { signal: controller.signal }
          const stream = (await count.with(options)(1e9)) as AsyncIterableIterator<number>
          assert.equal((await stream.next()).value, 1)
          if (signal.includes('listener')) controller.signal.addEventListener('abort', () => void stream.return!())
        }
        await begin()
        await collectUntil(events.first('cleaned up'))
        await count.close()
      })
    }

    it('a stream that has ended is collected, although its signal is not', async () => {
      const { signal } = new AbortController()
      const count = start('count')
      const use = async (): Promise<WeakRef<object>> => {
        const stream = (await count.with({ signal })(3)) as AsyncIterableIterator<number>
        assert.deepEqual(await collect(stream), [1, 2, 3])
        return new WeakRef(stream)
      }
      await untilCollected(await use(), await use())
      assert.equal(signal.aborted, false) // refers to the signal
    })

    if (!async) return // a synchronous process has only one stream at a time

    it('many streams with the same signal add one listener, which goes with the last of them', async () => {
      const { signal } = new AbortController()
      const count = start('count')
      const streams = await Promise.all(Array.from({ length: 12 }, () => count.with({ signal })(100)))
      assert.equal(getEventListeners(signal, 'abort').length, 1)
      for (const stream of streams) assert.equal((await collect(stream as AsyncIterable<number>)).length, 100)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    })
  })
}
