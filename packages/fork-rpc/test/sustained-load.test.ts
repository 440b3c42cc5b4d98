import assert from 'node:assert/strict'
import type { Rpc, RpcOptions } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const CALLS = process.env['ANYFORK_SOAK'] ? 1_000_000 : 60_000
const IN_FLIGHT = 100

/** Makes calls, so many at a time; each result is that of its own call. */
async function makeCalls(add: Rpc, count: number, isInOrder: boolean): Promise<void> {
  let made = 0
  let last = -1
  const line = async (): Promise<void> => {
    while (made < count) {
      const i = made++
      assert.equal(await add(i, 1), i + 1)
      if (isInOrder) assert.ok(i > last)
      last = i
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, line))
}

describe(`${CALLS} calls, ${IN_FLIGHT} at a time`, () => {
  const { start } = useConnections()

  for (const async of [false, true]) {
    it(`keep their order and take no memory; async: ${async}`, async function () {
      this.timeout(120_000)
      const options: RpcOptions = { async }
      const add = start('add', options)
      await makeCalls(add, CALLS / 4, true)
      const before = process.memoryUsage.rss()
      await makeCalls(add, CALLS, true)
      const growth = process.memoryUsage.rss() - before
      assert.ok(growth < 60e6, `grown by ${growth}`)
      assert.equal(add.counters.pending, 0)
    })
  }
})
