import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'mocha'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

async function runWith(limit: string, fixture: string): Promise<string> {
  const program = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url))
  const { stdout } = await promisify(execFile)('sh', ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, program], { timeout: 15_000 })
  return stdout
}

describe('ForkProcess at the limit', () => {
  it('of descriptors gives EMFILE, leaves nothing open, and goes on when there is room', async () => {
    assert.equal(await runWith('ulimit -n 64', 'full-table.js'), 'done\n')
  })
})
