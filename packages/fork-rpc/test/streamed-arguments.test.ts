import assert from 'node:assert/strict'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'

const module = new URL('./fixtures/streams.js', import.meta.url)
const ownSerialiser = new URL('./fixtures/own-serialiser.js', import.meta.url)

for (const async of [false, true]) {
  describe(`streamed arguments with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, onEvent: () => {}, ...options }))

    it('are arguments, too', async () => {
      async function* numbers(): AsyncGenerator<number> {
        for (let i = 1; i <= 1000; i++) yield i
      }
      const sum = start('sum')
      assert.equal(await sum(numbers()), 500_500)
      assert.equal(await sum([1, 2].values()), 3)
    })

    it('are values of streams that are arguments', async () => {
      function* streams(): Generator<Iterator<number>> {
        yield [1, 2].values()
        yield [3].values()
      }
      assert.equal(await start('sumAll')(streams()), 6)
    })

    it('as arguments end here when the function leaves its loop', async () => {
      let isCleanedUp = false
      function* numbers(): Generator<number> {
        try {
          for (let i = 1; ; i++) yield i
        } finally {
          isCleanedUp = true
        }
      }
      assert.deepEqual(await start('firstTwo')(numbers()), [1, 2])
      assert.ok(isCleanedUp)
    })

    it('as arguments are not begun when nobody iterates over them', async () => {
      let isBegun = false
      function* numbers(): Generator<number> {
        isBegun = true
        yield 1
      }
      const ignore = start('ignore')
      assert.equal(await ignore(numbers()), 'ignored')
      await ignore.close()
      assert.ok(!isBegun)
    })

    it('as arguments reject there with what they throw here', async () => {
      async function* numbers(): AsyncGenerator<number> {
        yield 1
        throw new RangeError('thrown here')
      }
      await assert.rejects(Promise.resolve(start('sum')(numbers())), { name: 'RangeError', message: 'thrown here' })
    })

    it('as arguments reject there for a value that cannot be read there, after those before it, and end here', async () => {
      let isOver = false
      function* source(): Generator<string> {
        try {
          yield 'a'
          yield 'unreadable'
          for (;;) yield 'b'
        } finally {
          isOver = true
        }
      }
      const events = new Events()
      const commit = start('commit', { onEvent: events.onEvent, serialiser: ownSerialiser })
      await assert.rejects(Promise.resolve(commit(source())), { name: 'RangeError', message: 'cannot read that' })
      assert.deepEqual(events.seen, [
        ['got', 'a'],
        ['rolled back', 'RangeError', 'cannot read that'],
      ])
      await commit(['c'].values())
      assert.deepEqual(events.seen.slice(2), [['got', 'c'], ['committed']])
      assert.equal(isOver, true)
    })

    it('as arguments of a call that is given up reject there with the reason', async () => {
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

    it('as arguments reject also where they were given up before they began', async () => {
      const events = new Events()
      const commit = start('commit', { onEvent: events.onEvent })
      await commit.ready()
      process.kill(commit.pid!, 'SIGSTOP')
      const controller = new AbortController()
      const call = commit.with({ signal: controller.signal, awaitAbort: true })([1, 2].values())
      await new Promise(setImmediate) // it is written now
      controller.abort(new RangeError('no more'))
      process.kill(commit.pid!, 'SIGCONT')
      await assert.rejects(call, { name: 'RangeError', message: 'no more' })
      await commit.close()
      assert.ok(!events.seen.flat().includes('committed'))
    })
  })
}
