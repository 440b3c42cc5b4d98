import assert from 'node:assert/strict'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { untilCollected } from './support/garbage.js'
import { stop } from './support/process-state.js'

const module = new URL('./fixtures/streams.js', import.meta.url)
const ownSerialiser = new URL('./fixtures/own-serialiser.js', import.meta.url)

for (const async of [false, true]) {
  describe(`streamed arguments with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, onEvent: () => {}, ...options }))

    it('a function may iterate over an async iterable or an iterator among its arguments', async () => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 1; i <= 1000; i++) yield i
      }
      const sum = start('sum')
      assert.equal(await sum(numbers()), 500_500)
      assert.equal(await sum([1, 2].values()), 3)
    })

    it('a streamed argument may yield streams', async () => {
      function* streams(): Generator<Iterator<number>> {
        yield [1, 2].values()
        yield [3].values()
      }
      assert.equal(await start('sumAll')(streams()), 6)
    })

    it('a stream among the values of a streamed argument ends with the call, even if it was not read', async () => {
      const made: WeakRef<object>[] = []
      let begun = 0
      let ended = 0
      function* unread(): Generator<number> {
        begun++
        try {
          yield 1
        } finally {
          ended++
        }
      }
      function* streams(): Generator<Generator<number>> {
        for (let i = 0; i < 1000; i++) {
          const stream = unread()
          made.push(new WeakRef(stream))
          yield stream
        }
      }
      const countAll = start('countAll')
      const calls = isSoak ? 70 : 2 // in a soak, together more than the 65,536 streams that a connection may have open
      for (let i = 0; i < calls; i++) assert.equal(await countAll(streams()), 1000)
      assert.equal(ended, begun)
      await untilCollected(...made) // the connection refers to open streams
      assert.equal(await countAll([].values()), 0)
    })

    it('a generator among the arguments ends when the function leaves its loop', async () => {
      let hasEnded = false
      function* numbers(): Generator<number> {
        try {
          for (let i = 1; ; i++) yield i
        } finally {
          hasEnded = true
        }
      }
      assert.deepEqual(await start('firstTwo')(numbers()), [1, 2])
      assert.ok(hasEnded)
    })

    it('a generator among the arguments never begins if the function does not iterate over it', async () => {
      let hasBegun = false
      function* numbers(): Generator<number> {
        hasBegun = true
        yield 1
      }
      const ignore = start('ignore')
      assert.equal(await ignore(numbers()), 'ignored')
      await ignore.close()
      assert.ok(!hasBegun)
    })

    it('a function gets the error that a generator among its arguments throws', async () => {
      async function* numbers(): AsyncGenerator<number> {
        yield 1
        throw new RangeError('thrown here')
      }
      await assert.rejects(start('sum')(numbers()), { name: 'RangeError', message: 'thrown here' })
    })

    it('a value that the process cannot decode rejects after the values before it, and ends the generator', async () => {
      let hasEnded = false
      function* source(): Generator<string> {
        try {
          yield 'a'
          yield 'undecodable'
          for (;;) yield 'b'
        } finally {
          hasEnded = true
        }
      }
      const events = new Events()
      const commit = start('commit', { onEvent: events.onEvent, serialiser: ownSerialiser })
      await assert.rejects(commit(source()), { name: 'RangeError', message: 'cannot decode that' })
      assert.deepEqual(events.seen, [
        ['got', 'a'],
        ['rolled back', 'RangeError', 'cannot decode that'],
      ])
      await commit(['c'].values())
      assert.deepEqual(events.seen.slice(2), [['got', 'c'], ['committed']])
      assert.equal(hasEnded, true)
    })

    it('a function gets the reason of the abort from a streamed argument if its call is aborted', async () => {
      const controller = new AbortController()
      async function* numbers(): AsyncGenerator<number> {
        yield 1
        await events.first('got')
        controller.abort(new RangeError('no more'))
        yield 2
      }
      const events = new Events()
      const commit = start('commit', { onEvent: events.onEvent })
      await assert.rejects(commit.with({ signal: controller.signal })(numbers()), {
        name: 'RangeError',
        message: 'no more',
      })
      await commit.close()
      assert.deepEqual(events.seen, [
        ['got', 1],
        ['rolled back', 'RangeError', 'no more'],
      ])
    })

    it('an aborted call rejects with the reason if its streamed argument was not begun before', async () => {
      const events = new Events()
      const commit = start('commit', { onEvent: events.onEvent })
      await commit.ready()
      stop(commit.pid!)
      const controller = new AbortController()
      const call = commit.with({ signal: controller.signal, awaitAbort: true })([1, 2].values())
      await new Promise(setImmediate) // the call is written now
      controller.abort(new RangeError('no more'))
      process.kill(commit.pid!, 'SIGCONT')
      await assert.rejects(call, { name: 'RangeError', message: 'no more' })
      await commit.close()
      assert.ok(!events.seen.flat().includes('committed'))
    })
  })
}
