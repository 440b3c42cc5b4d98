import assert from 'node:assert/strict'
import { connect, type Descriptor, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/mixed-traffic.js'
import { Events, useConnections } from './support/connections.js'
import { passedPipe } from './support/passed-pipe.js'
import { stop, untilStopped } from './support/process-state.js'

const module = new URL('./fixtures/mixed-traffic.js', import.meta.url)

for (const async of [false, true]) {
  describe(`frames larger than the receive buffer, with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<typeof Fixture> => {
      const remote = connect<typeof Fixture>(fork(), module, { async, onEvent: () => {}, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('a large call that arrives in pieces runs after the small calls before it, which waited', async () => {
      const remote = start()
      const { first, same } = remote
      await same(0)
      const large = Buffer.alloc(200_000, 1)
      const calls: Promise<unknown>[] = []
      const { pid } = rpcOf(remote)
      function* values(): Generator<number> {
        stop(pid!) // so that all of this arrives at once
        yield 1
        calls.push(same('small'), same(large), same('last'))
        setImmediate(() => process.kill(pid!, 'SIGCONT'))
        yield 2
      }
      assert.equal(await first(values()), 1)
      assert.deepEqual(await Promise.all(calls), ['small', large, 'last'])
    })

    it('a descriptor that follows a large call arrives', async () => {
      const remote = start()
      assert.equal(await remote.tagOf(passedPipe('first')), 'first')
      const { pid } = rpcOf(remote)
      stop(pid!)
      const text = 'x'.repeat(70_000)
      const calls = [remote.same(text), remote.tagOf(passedPipe('behind'))]
      setImmediate(() => process.kill(pid!, 'SIGCONT'))
      assert.deepEqual(await Promise.all(calls), [text, 'behind'])
    })

    it('a descriptor that follows small calls, which waited, and a large one arrives', async () => {
      const remote = start()
      const { first, same, tagOf } = remote
      assert.equal(await tagOf(passedPipe('first')), 'first')
      const text = 'x'.repeat(70_000)
      const calls: Promise<unknown>[] = []
      const { pid } = rpcOf(remote)
      function* values(): Generator<number> {
        stop(pid!)
        yield 1
        calls.push(same(1), same(2), same(3), same(text), tagOf(passedPipe('behind')))
        setImmediate(() => process.kill(pid!, 'SIGCONT'))
        yield 2
      }
      assert.equal(await first(values()), 1)
      assert.deepEqual(await Promise.all(calls), [1, 2, 3, text, 'behind'])
    })

    it('a descriptor that follows a large event arrives', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent, spin: 0 })
      await remote.sendMade('first')
      const { pid } = rpcOf(remote)
      const call = remote.sendThenStop(70_000, 'behind')
      await new Promise(process.nextTick) // it is written now
      untilStopped(pid!)
      process.kill(pid!, 'SIGCONT')
      await call
      assert.deepEqual(
        events.seen.map(([what]) => what),
        ['made', 'text', 'made'],
      )
      assert.deepEqual(
        [events.seen[0], events.seen[2]].map(event => tagOf(event![1] as Descriptor)),
        ['first', 'behind'],
      )
    })
  })
}
