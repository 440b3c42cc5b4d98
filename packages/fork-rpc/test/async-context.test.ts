import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { connect, type Rpc, type RpcOptions, rpcOf, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/async-context.js'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/async-context.js', import.meta.url)

describe('async contexts', () => {
  const { fork, start, track } = useConnections()
  const connectTo = (options: RpcOptions): ReturnType<typeof connect<typeof Fixture>> => {
    const remote = connect<typeof Fixture>(fork(), worker, options)
    track(rpcOf(remote))
    return remote
  }

  for (const async of [false, true]) {
    for (const name of ['enter', 'enterLater'] as const) {
      it(`a store that ${name}() enters is not visible to later calls, with async: ${async}`, async () => {
        const remote = connectTo({ async })
        const seen = [await remote[name]('a'), await remote[name]('b')]
        seen.push(...(await Promise.all(['c', 'd', 'e'].map(each => remote[name](each)))))
        assert.deepEqual(
          seen,
          Array.from({ length: 5 }, () => 'none'),
        )
      })
    }

    it(`calls that are sent together each see their own store only, with async: ${async}`, async () => {
      const remote = connectTo({ async })
      for (const names of [
        ['a', 'b', 'c'],
        ['d', 'e', 'f'],
      ])
        assert.deepEqual(
          await Promise.all(names.map(name => remote.enterThenWait(name))),
          names.map(name => ['none', name]),
        )
    })

    it(`a store that a function enters before it throws is not visible to later calls, with async: ${async}`, async () => {
      const remote = connectTo({ async })
      await assert.rejects(remote.enterThenThrow('a'), { message: 'none' })
      await assert.rejects(remote.enterThenThrow('b'), { message: 'none' })
      assert.equal(await remote.enter('c'), 'none')
    })

    it(`a store that init enters is not visible to calls, with async: ${async}`, async () => {
      assert.equal(await connectTo({ async, init: 'enterAtStart' }).enter('a'), 'none')
    })

    it(`a returned generator sees the store of its own call only, with async: ${async}`, async () => {
      const remote = connectTo({ async })
      for (const name of ['a', 'b']) {
        const seen = []
        for await (const each of remote.enterThenYield(name)) seen.push(each)
        assert.deepEqual(seen, ['none', name])
      }
      assert.equal(await remote.enter('c'), 'none')
    })
  }

  it("a store that a listener of a call's signal enters is not visible to later calls", async () => {
    const events = new Events()
    const remote = connectTo({ async: true, onEvent: events.onEvent })
    const abort = new AbortController()
    const call = remote.enterOnAbort.with({ signal: abort.signal })()
    await events.first('begun')
    abort.abort()
    await assert.rejects(call, { name: 'AbortError' })
    assert.equal(await remote.enter('a'), 'none')
  })

  it('each call of onEvent sees the store of the code that made the connection, and no other', async () => {
    const user = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const onEvent = (): void => {
      seen.push(user.getStore())
      user.enterWith('listener')
    }
    const progress = user.run('connection', (): Rpc => start('progress', { onEvent }))
    await user.run('call', () => progress(2))
    await progress(2)
    assert.deepEqual(
      seen,
      Array.from({ length: 4 }, () => 'connection'),
    )
    assert.equal(user.getStore(), undefined)
  })

  it('onDestroy sees the store of the code that made the connection', async () => {
    const user = new AsyncLocalStorage<string>()
    const seen = await new Promise(resolve => {
      const onDestroy = (): void => resolve(user.getStore())
      const enter = user.run('connection', (): Rpc => run(fork(), worker, 'enter', { onDestroy }))
      void user.run('close', () => enter.close())
    })
    assert.equal(seen, 'connection')
  })
})
