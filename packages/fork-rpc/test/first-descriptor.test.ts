import assert from 'node:assert/strict'
import { connect, type Descriptor, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/mixed-traffic.js'
import { Events, useConnections } from './support/connections.js'
import { untilStopped } from './support/process-state.js'

const module = new URL('./fixtures/mixed-traffic.js', import.meta.url)

// Before its first descriptor, either side asks for the consent of the other; see docs/WIRE.md.
for (const async of [false, true]) {
  describe(`the first descriptor, with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<typeof Fixture> => {
      const remote = connect<typeof Fixture>(fork(), module, { async, onEvent: () => {}, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('a call that arrives while the process waits for the consent runs afterwards', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent, spin: 0 })
      await remote.same(0)
      const { pid } = rpcOf(remote)
      const telling = remote.stopThenSend('first')
      await new Promise(process.nextTick) // it is written now
      untilStopped(pid!)
      const same = remote.same('meanwhile')
      setImmediate(() => process.kill(pid!, 'SIGCONT'))
      await telling
      assert.equal(await same, 'meanwhile')
      assert.equal(tagOf(events.seen[0]![1] as Descriptor), 'first')
    })

    it('the first descriptor arrives although more waits behind it than an asynchronous process queues', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent })
      await remote.stayAlive()
      assert.equal(await remote.sendMadeThenMuch('first'), 'sent')
      assert.equal(tagOf(events.seen[0]![1] as Descriptor), 'first')
      assert.equal(events.seen.length, 41)
    })

    it('the first descriptor arrives although the connection is being closed', async () => {
      const remote = start()
      await remote.stayAlive()
      const made = remote.make('last')
      const closed = rpcOf(remote).close()
      assert.deepEqual(((await made) as Descriptor[]).map(tagOf), ['last'])
      await closed
    })
  })
}
