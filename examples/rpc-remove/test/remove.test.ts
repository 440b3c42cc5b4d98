import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const run = promisify(execFile)

/** As the manual of AnyEvent::Fork::RPC says. */
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
  for (const args of [[], ['--async']]) {
    it(`prints events and responses in the order in which they were made ${args.join()}`, async () => {
      const { stdout, stderr } = await run(process.execPath, [main, ...args], { timeout: 15_000 })
      assert.equal(stdout, expected)
      assert.equal(stderr, '')
    })
  }
})
