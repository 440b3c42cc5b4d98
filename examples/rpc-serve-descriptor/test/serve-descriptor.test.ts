import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))

describe('examples/rpc-serve-descriptor', () => {
  it('another process serves connections, and opens a file', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], { timeout: 15_000 })
    const lines = stdout.trim().split('\n')
    assert.deepEqual(
      lines.filter(line => line.startsWith('hello')),
      [1, 2].map(n => `hello visitor ${n}, this is process of the worker`),
    )
    assert.deepEqual(
      lines.filter(line => line.startsWith('connections')),
      [1, 2].map(n => `connections served by the worker: ${n}`),
    )
    assert.equal(lines.at(-1), 'the file that the worker has opened has the expected content')
    assert.equal(stderr, '')
  })
})
