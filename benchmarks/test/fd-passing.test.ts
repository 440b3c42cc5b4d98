import assert from 'node:assert/strict'
import { fdPassing } from '@anyfork/benchmarks/fd-passing'
import { describe, it } from 'mocha'

describe('fd-passing', () => {
  it('measures every subject', async () => {
    const rows = await fdPassing(300, 1)
    assert.ok(rows.length >= 6) // usocket and the Perl modules may be missing
    for (const { perSecond } of rows) assert.ok(perSecond > 0)
  })
})
