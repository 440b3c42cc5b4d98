import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { fdPassing } from '@anyfork/benchmarks/fd-passing'

describe('fd-passing', () => {
  it('measures every way', async function () {
    this.timeout(60_000)
    const rows = await fdPassing(300)
    assert.equal(rows.length, 7)
    for (const { perSecond } of rows) assert.ok(perSecond > 0)
  })
})
