import assert from 'node:assert/strict'
import { callsPerSecond, timeCalls } from '@anyfork/benchmarks/harness/measure-calls'
import { describe, it } from 'mocha'

/** Returns a function whose third call has a wrong result. */
function wrongOnce(): () => Promise<number> {
  let calls = 0
  return async () => (++calls === 3 ? 4 : 3)
}

describe('a call that returns something else than the expected result', () => {
  const wrong = { message: 'a call has returned 4, not 3' }

  it('makes timeCalls reject', async () => {
    await assert.rejects(timeCalls(wrongOnce(), 60_000, 3), wrong)
  })

  it('makes callsPerSecond reject, also if several calls are pending', async () => {
    await assert.rejects(callsPerSecond(wrongOnce(), 2, { warmUp: 60_000, measured: 0 }, 3), wrong)
  })

  it('is measured if no result is expected', async () => {
    const call = wrongOnce()
    for (let i = 0; i < 3; i++) assert.equal((await timeCalls(call, 0)).length, 1)
  })
})
