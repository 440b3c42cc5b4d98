import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'

const run = promisify(execFile)
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

describe('a working directory', () => {
  it('that was removed is asked for only where names are looked up from it', async () => {
    const { stdout } = await run(process.execPath, [fixture('removed-folder.js')], { timeout: 15_000 })
    assert.equal(stdout, 'done\n')
  })

  it('may have a name that is no UTF-8', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    try {
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]))
    } catch {
      rmSync(folder, { recursive: true })
      return this.skip() // there are file systems without such names
    }
    try {
      const { stdout } = await run(
        'sh',
        ['-c', 'cd "$1"/* && shift && exec "$@"', 'sh', folder, process.execPath, fixture('odd-folder.js')],
        { timeout: 15_000 },
      )
      assert.equal(stdout, 'done\n')
    } finally {
      await run('rm', ['-r', folder]) // Node looks for another name
    }
  })
})
