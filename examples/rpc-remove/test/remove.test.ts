import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const run = promisify(execFile)

/** The output that the manual of AnyEvent::Fork::RPC shows. */
const expected = `\
/tmp/somepath/1: No such file or directory
/tmp/somepath/2: No such file or directory
3 requests handled
/tmp/somepath/3: No such file or directory
/tmp/somepath/4: No such file or directory
/tmp/somepath/5: No such file or directory
6 requests handled
/tmp/somepath/6: No such file or directory
`

describe('examples/rpc-remove', () => {
  for (const [backend, args] of [
    ['synchronous', []],
    ['asynchronous', ['--async']],
  ] as const) {
    it(`prints events and results in the order in which the ${backend} backend made them`, async () => {
      const { stdout, stderr } = await run(process.execPath, [main, ...args], { timeout: 15_000 })
      assert.equal(stdout, expected)
      assert.equal(stderr, '')
    })
  }

  it('exits with 2 and the usage for an unknown option', async () => {
    await assert.rejects(run(process.execPath, [main, '--no-such-option']), { code: 2, stderr: /\n\nUsage: / })
  })
})
