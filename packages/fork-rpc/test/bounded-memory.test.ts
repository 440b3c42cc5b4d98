import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'

const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

for (const async of [false, true]) {
  describe(`memory of a process with async: ${async}`, () => {
    const { start } = useConnections()

    it('keeps a process small that has much to tell to a caller who does not listen', async () => {
      const events = new Events()
      const flood = start('flood', {
        async,
        onEvent: (...values) => {
          if (!events.seen.length) block(300)
          events.seen.push([values.length])
        },
      })
      const grown = (await flood(20_000, 5000)) as number // 100 MB
      assert.equal(events.seen.length, 20_000)
      assert.ok(grown < 75e6, `grown by ${grown}`)
    })

    it('keeps a process small whose answers are not fetched', async () => {
      const bytes = start('bytesAndGrowth', { async })
      await bytes(1)
      const calls = Array.from({ length: 6000 }, () => bytes(50_000)) // 300 MB
      await new Promise(setImmediate)
      block(300)
      const growth = (await Promise.all(calls)).map(result => (result as number[])[1]!)
      assert.ok(Math.max(...growth) < 150e6, `grown by ${Math.max(...growth)}`)
    })
  })
}
