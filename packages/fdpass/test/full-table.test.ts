import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('a full descriptor table', () => {
  useSocketPair()

  it('makes calls throw EMFILE, and loses no queued descriptor unless peek is false', () => {
    const program = fileURLToPath(new URL('./fixtures/full-table.js', import.meta.url))
    const stdout = execFileSync('sh', ['-c', 'ulimit -n 48; exec "$@"', 'sh', process.execPath, program])
    assert.equal(stdout.toString(), 'done\n')
  })
})
