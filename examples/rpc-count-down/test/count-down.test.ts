import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))

describe('examples/rpc-count-down', () => {
  it('runs three calls at a time: each counts in order, and the shortest ends first', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, '100'], { timeout: 15_000 })
    const lines = stdout.trim().split('\n')
    const only = (pattern: RegExp): string[] => lines.filter(line => pattern.test(line))
    assert.deepEqual(
      lines.slice(0, 3),
      [3, 2, 1].map(to => `starting to count up to ${to}`),
    )
    for (const to of [1, 2, 3]) {
      const counts = Array.from({ length: to }, (_, i) => `count ${i + 1} of ${to}`)
      assert.deepEqual(only(new RegExp(`of ${to}$|job ${to}`)), [...counts, `job ${to} finished`])
    }
    assert.deepEqual(
      only(/^job/),
      [1, 2, 3].map(to => `job ${to} finished`),
    )
    assert.equal(lines.length, 12)
    assert.equal(stderr, '')
  })

  it('exits with 2 and the usage for an interval that is not a number', async () => {
    await assert.rejects(promisify(execFile)(process.execPath, [main, 'fast']), { code: 2, stderr: /^Usage: / })
  })
})
