import assert from 'node:assert/strict'
import type { CallPromise, Rpc } from '@anyfork/fork-rpc'
import { collectGarbage, isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { untilCollected } from './support/garbage.js'

const CALLS = isSoak ? 200_000 : 4000
const IN_FLIGHT = 100

/** Makes calls, 100 at a time. Checks that each gets its own result, in the order in which they were made. */
async function makeCalls(
  same: Rpc,
  count: number,
  onCall: (call: CallPromise, argument: object) => void,
): Promise<void> {
  let made = 0
  let last = -1
  const callInTurn = async (): Promise<void> => {
    while (made < count) {
      const i = made++
      const argument = { i }
      const call = same(argument)
      onCall(call, argument)
      assert.deepEqual(await call, [{ i }])
      assert.ok(i > last)
      last = i
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, callInTurn))
}

for (const async of [false, true]) {
  describe(`${CALLS} calls, ${IN_FLIGHT} at a time, with async: ${async}`, () => {
    const { start } = useConnections()

    it('settle in order, and leave neither a pending call nor an object behind', async () => {
      const same = start('same', { async })
      const refs: WeakRef<object>[] = []
      await makeCalls(same, CALLS, (call, argument) => {
        if (refs.length < 1000) refs.push(new WeakRef(call), new WeakRef(argument))
      })
      assert.equal(same.counters.results, CALLS)
      assert.equal(same.counters.pending, 0)
      await untilCollected(...refs)
    })

    if (!isSoak) return

    it('do not make the heap grow in each of five rounds', async () => {
      const same = start('same', { async })
      const growth: number[] = []
      let before = Infinity
      for (let round = 0; round <= 5; round++) {
        await makeCalls(same, CALLS, () => {})
        await collectGarbage()
        const { heapUsed } = process.memoryUsage()
        if (round > 0) growth.push(heapUsed - before) // the first round warms up
        before = heapUsed
      }
      // If each call left the smallest of objects behind, the heap would grow by 16 bytes for each, in every round.
      assert.ok(
        growth.some(bytes => bytes < CALLS),
        `grown by ${growth.join(', ')}`,
      )
    })
  })
}
