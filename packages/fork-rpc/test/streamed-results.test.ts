import assert from 'node:assert/strict'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { untilAsleep } from './support/process-state.js'

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

    it('for await reads what a generator or an async generator yields', async () => {
      const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
      assert.deepEqual(await collect(start('count')(1000)), upTo(1000))
      assert.deepEqual(
        await collect(start('squares')(1000)),
        upTo(1000).map(i => i * i),
      )
      assert.deepEqual(await collect(start('count')(0)), [])
    })

    it('an awaited call resolves with the iterable', async () => {
      const stream = (await start('count')(3)) as AsyncIterableIterator<number>
      assert.deepEqual(await stream.next(), { done: false, value: 1 })
      assert.deepEqual(await collect(stream), [2, 3])
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
    })

    it('for await reads an array that a function returns, and rejects with a TypeError for a number', async () => {
      assert.deepEqual(await collect(start('list')()), [1, 2, 3])
      await assert.rejects(collect(start('one')()), TypeError)
    })

    it('several calls of next() at once resolve in order', async () => {
      const stream = (await start('count')(2)) as AsyncIterableIterator<number>
      const steps = await Promise.all([stream.next(), stream.next(), stream.next()])
      assert.deepEqual(
        steps.map(({ value }) => value),
        [1, 2, undefined],
      )
    })

    it('leaving the loop waits until the generator has ended', async () => {
      for (const name of ['count', 'squares']) {
        const events = new Events()
        for await (const value of start(name, { onEvent: events.onEvent })(1e9)) if (value === 1) break
        assert.deepEqual(events.seen, [['cleaned up']])
      }
    })

    it('a generator is at most a window ahead of its consumer', async () => {
      const events = new Events()
      const endless = start('endless', { onEvent: events.onEvent })
      const stream = (await endless()) as AsyncIterableIterator<number>
      for (let i = 1; i <= 200; i++) assert.equal((await stream.next()).value, i)
      await new Promise(setImmediate) // the process knows what was consumed
      untilAsleep(endless.pid!) // it has filled the window
      await stream.return!()
      const made = events.seen.length
      assert.ok(made >= 200 && made <= 200 + 64, `${made} made`) // at most 64 values are on their way
    })

    it('values larger than the window arrive in order', async () => {
      const sizes = []
      for await (const chunk of start('chunks')(300_000, 20)) sizes.push((chunk as Buffer).length)
      assert.deepEqual(sizes, new Array(20).fill(300_000))
    })

    it('the loop gets the error that the generator throws, after the values before it', async () => {
      const seen: unknown[] = []
      const loop = async (): Promise<void> => {
        for await (const value of start('failing')()) seen.push(value)
      }
      await assert.rejects(loop(), { name: 'RangeError', code: 'ERR_ON_THE_WAY' })
      assert.deepEqual(seen, [1])
    })

    it('a value that cannot be sent rejects with a TypeError, and ends the generator', async () => {
      const events = new Events()
      await assert.rejects(collect(start('unsendable', { onEvent: events.onEvent })()), TypeError)
      assert.deepEqual(events.seen, [['cleaned up']])
    })

    it('a value that the caller cannot decode rejects after the values before it; the generator ends, the process survives', async () => {
      const events = new Events()
      const words = start('partlyUndecodable', { onEvent: events.onEvent, serialiser: ownSerialiser })
      const stream = (await words(true)) as AsyncIterableIterator<string>
      const seen: string[] = []
      const loop = async (): Promise<void> => {
        for await (const word of stream) seen.push(word)
      }
      await assert.rejects(loop(), { name: 'RangeError', message: 'cannot decode that' })
      assert.deepEqual(seen, ['a', 'b'])
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
      await events.first('cleaned up')
      assert.deepEqual(await collect(words(false)), ['a', 'b'])
    })

    it('a stream in an event, or among the values of a stream, is a TypeError', async () => {
      await assert.rejects(start('sendStream')(), TypeError)
      const events = new Events()
      await assert.rejects(collect(start('nested', { onEvent: events.onEvent })()), TypeError)
      assert.deepEqual(events.seen, [['cleaned up']])
    })

    it('the loop rejects with the exit code if the process exits', async () => {
      const seen: unknown[] = []
      const loop = async (): Promise<void> => {
        for await (const value of start('dying', { onError: () => {} })()) seen.push(value)
      }
      await assert.rejects(loop(), { code: 'ERR_PROCESS_EXITED', exitCode: 5 })
      assert.deepEqual(seen, [1, 2])
    })

    it('the loop rejects once with the signal if the process is killed', async () => {
      const endless = start('endless', { onError: () => {}, onEvent: () => {} })
      const stream = (await endless()) as AsyncIterableIterator<number>
      await stream.next()
      process.kill(endless.pid!, 'SIGKILL')
      await assert.rejects(collect(stream), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
      assert.equal((await stream.next()).done, true)
    })

    it('a function may yield while it iterates over an argument', async () => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 1; i <= 500; i++) yield i
      }
      const out = await collect(start('doubled')(numbers()))
      assert.deepEqual(
        out,
        Array.from({ length: 500 }, (_, i) => 2 * (i + 1)),
      )
    })

    it('several calls that return streams can be read at once', async () => {
      const count = start('count')
      const streams = await Promise.all([collect(count(300)), collect(count(2)), collect(count(400))])
      assert.deepEqual(
        streams.map(({ length }) => length),
        [300, 2, 400],
      )
    })

    it('a stream is read to its end although the connection is being closed', async () => {
      const count = start('count')
      const stream = collect(count(1000))
      await Promise.all([count.ready(), count.close()])
      assert.equal((await stream).length, 1000)
      assert.deepEqual(await count.ended, { code: 0, signal: null })
    })
  })
}
