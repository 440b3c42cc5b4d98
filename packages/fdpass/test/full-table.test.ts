import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Descriptor, setNonblocking, socketpair } from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

describe('a full descriptor table', () => {
  let left: Descriptor
  let right: Descriptor
  let before: number

  beforeEach(() => {
    before = readdirSync('/proc/self/fd').length
    ;[left, right] = socketpair()
    setNonblocking(left, true)
    setNonblocking(right, true)
  })
  afterEach(async () => {
    left[Symbol.dispose]()
    right[Symbol.dispose]()
    // What Node closes in its own time, of a child process say, may be late.
    while (readdirSync('/proc/self/fd').length > before) await new Promise(setImmediate)
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('loses nothing to a full descriptor table', () => {
    const program = fileURLToPath(new URL('./fixtures/full-table.js', import.meta.url))
    const stdout = execFileSync('sh', ['-c', 'ulimit -n 48; exec "$@"', 'sh', process.execPath, program])
    assert.equal(stdout.toString(), 'done\n')
  })
})
