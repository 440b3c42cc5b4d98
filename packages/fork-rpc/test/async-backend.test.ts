import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

describe('the asynchronous backend', () => {
  const { fork, start, track } = useConnections()

  it('begins calls as they arrive, and answers them in the order in which they finish', async () => {
    const remote = connect<typeof Fixture>(fork(), new URL('./fixtures/worker.js', import.meta.url), {
      async: true,
      onEvent: () => {},
    })
    track(rpcOf(remote))
    const order: string[] = []
    const calls = ['a', 'b', 'c'].map(async name => order.push(await remote.wait(name)))
    for (const name of ['c', 'a', 'b']) await remote.release(name)
    await Promise.all(calls)
    assert.deepEqual(order, ['c', 'a', 'b'])
  })

  it('answers 20,000 calls that are made at once', async () => {
    const add = start('add', { async: true })
    const sums = await Promise.all(Array.from({ length: 20_000 }, (_, i) => add(i, 1)))
    assert.deepEqual(
      sums,
      Array.from({ length: 20_000 }, (_, i) => i + 1),
    )
  })

  it('carries large values in both directions at once', async () => {
    const same = start('same', { async: true })
    const big = Buffer.alloc(4 << 20, 'anyfork')
    const results = (await Promise.all([same(big), same(big), same(big)])) as [Buffer][]
    for (const [result] of results) assert.ok(big.equals(result))
  })

  it('rejects a call whose function throws', async () => {
    await assert.rejects(start('fail', { async: true })(), { name: 'OwnError' })
  })

  it('rejects each call whose function returns a promise that rejects', async () => {
    const failing = start('failLater', { async: true })
    for (const call of [failing(), failing()]) await assert.rejects(call, { name: 'SyntaxError' })
  })

  it('answers a call when its function calls done()', async () => {
    const upper = start('withCallback', { async: true })
    assert.deepEqual(await Promise.all([upper('a'), upper('b')]), ['A', 'B'])
    await assert.rejects(upper('bad'), RangeError)
  })

  it('reports the exit code of a process that exits while it is idle', async () => {
    const exit = start('exitSoon', { async: true, onError: () => {} })
    await exit()
    assert.deepEqual(await exit.ended, { code: 12, signal: null })
  })

  it('rejects pending calls with the signal that killed the process', async () => {
    const after = start('after', { async: true, onError: () => {} })
    await after.ready()
    const pending = after(1e9)
    process.kill(after.pid!, 'SIGKILL')
    await assert.rejects(pending, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
  })

  it('finishes all pending calls when the connection is closed', async () => {
    const later = start('later', { async: true })
    const calls = ['a', 'b', 'c'].map(value => later(value))
    await later.close()
    assert.deepEqual(await Promise.all(calls), ['a', 'b', 'c'])
    assert.deepEqual(await later.ended, { code: 0, signal: null })
  })
})

for (const async of [false, true]) {
  describe(`an async function with done(), with async: ${async}`, () => {
    const { start } = useConnections()

    it('rejects its call if it throws before it calls done()', async () => {
      await assert.rejects(start('withAsyncCallback', { async })('bad'), {
        name: 'RangeError',
        message: 'a bad value',
      })
    })

    it('settles its call by done(), even if it throws afterwards', async () => {
      const upper = start('withAsyncCallback', { async })
      assert.equal(await upper('a'), 'A')
      assert.equal(await upper('b'), 'B')
    })
  })
}
