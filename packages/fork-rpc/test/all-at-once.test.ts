import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { connect, rpcOf, type Remote, type RpcOptions } from '@anyfork/fork-rpc'
import { useConnections } from './support/connections.js'
import { stop } from './support/stopping.js'

type Functions = typeof import('./fixtures/all-at-once.js')

const module = new URL('./fixtures/all-at-once.js', import.meta.url)

for (const async of [false, true]) {
  describe(`calls, streams and descriptors at once with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<Functions> => {
      const remote = connect<Functions>(fork(), module, { async, onEvent: () => {}, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('carries out a large call that comes in pieces, after small ones that were put off', async () => {
      const remote = start()
      const { first, same } = remote
      await same(0)
      const large = Buffer.alloc(200_000, 1)
      const calls: Promise<unknown>[] = []
      const { pid } = rpcOf(remote)
      function* values(): Generator<number> {
        stop(pid!) // so that all of this comes together
        yield 1
        calls.push(same('small'), same(large), same('last'))
        setImmediate(() => process.kill(pid!, 'SIGCONT'))
        yield 2
      }
      assert.equal(await first(values()), 1)
      assert.deepEqual(await Promise.all(calls), ['small', large, 'last'])
    })
  })
}
