import assert from 'node:assert/strict'
import type { CallPromise } from '@anyfork/fork-rpc'
import { collectGarbage as collect, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

const iterate = (call: Promise<unknown>): AsyncIterator<unknown> =>
  (call as CallPromise<AsyncIterable<unknown>>)[Symbol.asyncIterator]()

describe('a stream that nobody refers to any more', () => {
  const start = usePools()

  it('frees its worker', async () => {
    const count = start('countTo', { max: 1 })
    await (async () => {
      const values = (await count(1e9)) as AsyncIterableIterator<number>
      await values.next()
    })()
    assert.equal(count.workers[0]!.load, 1)
    await until(async () => {
      await collect()
      return count.workers[0]!.load === 0
    })
    const again = iterate(count(2))
    assert.deepEqual(await again.next(), { done: false, value: 1 })
    await again.return!()
  })
})
