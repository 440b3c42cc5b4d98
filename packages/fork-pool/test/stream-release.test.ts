import assert from 'node:assert/strict'
import { collectGarbage, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools, valuesOf } from './support/pools.js'

describe('garbage-collected streams', () => {
  const start = usePools()

  it('a stream that is garbage-collected frees its worker', async () => {
    const count = start('countTo', { max: 1 })
    await (async () => {
      const values = (await count(1e9)) as AsyncIterableIterator<number>
      await values.next()
    })()
    assert.equal(count.workers[0]!.load, 1)
    await until(async () => {
      await collectGarbage()
      return count.workers[0]!.load === 0
    })
    const again = valuesOf(count(2))
    assert.deepEqual(await again.next(), { done: false, value: 1 })
    await again.return!()
  })
})
