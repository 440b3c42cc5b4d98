import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { collectGarbage } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'

const module = new URL('./fixtures/streams.js', import.meta.url)
const ownSerialiser = new URL('./fixtures/own-serialiser.js', import.meta.url)

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

for (const async of [false, true]) {
  describe(`streamed results with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, onEvent: () => {}, ...options }))

    it('iterate over what a generator yields, async or not', async () => {
      const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
      assert.deepEqual(await collect(start('count')(1000)), upTo(1000))
      assert.deepEqual(
        await collect(start('squares')(1000)),
        upTo(1000).map(i => i * i),
      )
      assert.deepEqual(await collect(start('count')(0)), [])
    })

    it('give the iterable when the call is awaited', async () => {
      const stream = (await start('count')(3)) as AsyncIterableIterator<number>
      assert.deepEqual(await stream.next(), { done: false, value: 1 })
      assert.deepEqual(await collect(stream), [2, 3])
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
    })

    it('iterate over an array that a function returns, and reject for what is no iterable', async () => {
      assert.deepEqual(await collect(start('list')()), [1, 2, 3])
      await assert.rejects(collect(start('one')()), TypeError)
    })

    it('answer several steps that were asked for at once, in order', async () => {
      const stream = (await start('count')(2)) as AsyncIterableIterator<number>
      const steps = await Promise.all([stream.next(), stream.next(), stream.next()])
      assert.deepEqual(
        steps.map(({ value }) => value),
        [1, 2, undefined],
      )
    })

    it('end in the generator when the loop is left, before the loop goes on', async () => {
      for (const name of ['count', 'squares']) {
        const events = new Events()
        for await (const value of start(name, { onEvent: events.onEvent })(1e9)) if (value === 1) break
        assert.deepEqual(events.seen, [['cleaned up']])
      }
    })

    it('go no further ahead than a window', async () => {
      const events = new Events()
      const endless = start('endless', { onEvent: events.onEvent })
      const stream = (await endless()) as AsyncIterableIterator<number>
      for (let i = 1; i <= 200; i++) assert.equal((await stream.next()).value, i)
      await stream.return!()
      const made = events.seen.length
      assert.ok(made >= 200 && made <= 200 + 70, `${made} made`)
    })

    it('let one large value go at a time', async () => {
      const sizes = []
      for await (const chunk of start('chunks')(300_000, 20)) sizes.push((chunk as Buffer).length)
      assert.deepEqual(sizes, new Array(20).fill(300_000))
    })

    it('reject with what the generator throws', async () => {
      const seen: unknown[] = []
      const loop = async (): Promise<void> => {
        for await (const value of start('failing')()) seen.push(value)
      }
      await assert.rejects(loop(), { name: 'RangeError', code: 'ERR_ON_THE_WAY' })
      assert.deepEqual(seen, [1])
    })

    it('reject for a value that cannot be sent, and end the generator', async () => {
      const events = new Events()
      await assert.rejects(collect(start('unsendable', { onEvent: events.onEvent })()), TypeError)
      assert.deepEqual(events.seen, [['cleaned up']])
    })

    it('reject for a value that cannot be read here, after those before it; the generator ends, the process does not', async () => {
      const events = new Events()
      const words = start('partlyUnreadable', { onEvent: events.onEvent, serialiser: ownSerialiser })
      const stream = (await words(true)) as AsyncIterableIterator<string>
      const seen: string[] = []
      const loop = async (): Promise<void> => {
        for await (const word of stream) seen.push(word)
      }
      await assert.rejects(loop(), { name: 'RangeError', message: 'cannot read that' })
      assert.deepEqual(seen, ['a', 'b'])
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
      await events.first('cleaned up')
      assert.deepEqual(await collect(words(false)), ['a', 'b'])
    })

    it('are not values of events, nor of what a function returns: TypeError', async () => {
      await assert.rejects(start('tellStream')(), TypeError)
      const events = new Events()
      await assert.rejects(collect(start('nested', { onEvent: events.onEvent })()), TypeError)
      assert.deepEqual(events.seen, [['cleaned up']])
    })

    it('reject when the process ends on the way, with its code', async () => {
      const seen: unknown[] = []
      const loop = async (): Promise<void> => {
        for await (const value of start('dying', { onError: () => {} })()) seen.push(value)
      }
      await assert.rejects(loop(), { code: 'ERR_PROCESS_EXITED', exitCode: 5 })
      assert.deepEqual(seen, [1, 2])
    })

    it('reject when the process is killed on the way', async () => {
      const endless = start('endless', { onError: () => {}, onEvent: () => {} })
      const stream = (await endless()) as AsyncIterableIterator<number>
      await stream.next()
      process.kill(endless.pid!, 'SIGKILL')
      await assert.rejects(collect(stream), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
      assert.equal((await stream.next()).done, true)
    })

    it('go in and out at once', async () => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 1; i <= 500; i++) yield i
      }
      const out = await collect(start('doubled')(numbers()))
      assert.deepEqual(
        out,
        Array.from({ length: 500 }, (_, i) => 2 * (i + 1)),
      )
    })

    it('run through all calls that were made meanwhile', async () => {
      const count = start('count')
      const streams = await Promise.all([collect(count(300)), collect(count(2)), collect(count(400))])
      assert.deepEqual(
        streams.map(({ length }) => length),
        [300, 2, 400],
      )
    })

    it('finish when the connection is closed meanwhile', async () => {
      const count = start('count')
      const stream = collect(count(1000))
      await Promise.all([count.ready(), count.close()])
      assert.equal((await stream).length, 1000)
      assert.deepEqual(await count.ended, { code: 0, signal: null })
    })

    it('end with the signal of the call', async () => {
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

    for (const how of ['', ', with a signal, too', ', with a signal that knows them, too']) {
      it(`that nobody refers to any more end there${how}`, async () => {
        const events = new Events()
        const count = start('count', { onEvent: events.onEvent })
        const begin = async (): Promise<void> => {
          const { signal } = new AbortController()
          const stream = (await count.with(how ? { signal } : {})(1e9)) as AsyncIterableIterator<number>
          assert.equal((await stream.next()).value, 1)
          if (how.includes('knows')) signal.addEventListener('abort', () => void stream.return!())
        }
        await begin()
        const over = events.first('cleaned up').then(() => true)
        while (!(await Promise.race([over, setTimeout(5)]))) await collectGarbage()
        await count.close()
      })
    }

    it('are forgotten once they are over, also where their signal is not', async () => {
      const { signal } = new AbortController()
      const count = start('count')
      const use = async (): Promise<WeakRef<object>> => {
        const stream = (await count.with({ signal })(3)) as AsyncIterableIterator<number>
        assert.deepEqual(await collect(stream), [1, 2, 3])
        return new WeakRef(stream)
      }
      const used = [await use(), await use()]
      for (let i = 0; i < 50 && used.some(ref => ref.deref()); i++) await collectGarbage()
      assert.equal(used.filter(ref => ref.deref()).length, 0)
      assert.equal(signal.aborted, false)
    })

    if (!async) return // a process that serves calls one by one begins no stream before the last one is over

    it('listen once to the signal of many calls, and no more when they are over', async () => {
      const { signal } = new AbortController()
      const count = start('count')
      const streams = await Promise.all(Array.from({ length: 12 }, () => count.with({ signal })(100)))
      assert.equal(getEventListeners(signal, 'abort').length, 1)
      for (const stream of streams) assert.equal((await collect(stream as AsyncIterable<number>)).length, 100)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    })
  })
}
