import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'mocha'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { workerStart } from '@anyfork/benchmarks/worker-start'

describe('worker-start', () => {
  it('measures both ways with both modules', async function () {
    this.timeout(60_000)
    const rows = await workerStart(3)
    assert.deepEqual(rows.map(row => [row.way, row.module, row.workers]), [
      ['@anyfork/fork', 'bare', 3],
      ['child_process.fork', 'bare', 1],
      ['@anyfork/fork', 'heavy', 3],
      ['child_process.fork', 'heavy', 1],
    ])
    for (const row of rows) assert.ok(row.medianMilliseconds > 0 && row.idlePssBytes >= row.idleUssBytes)
  })
})

describe('npm run bench', () => {
  it('names the benchmarks that there are', async () => {
    const index = fileURLToPath(new URL('../index.js', import.meta.url))
    await assert.rejects(promisify(execFile)(process.execPath, [index, 'no-such']), /worker-start/)
  })
})
