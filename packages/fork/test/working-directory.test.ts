import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outputOf, runCommand } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url)

describe('the working directory of the owner', () => {
  it('a removed working directory matters only if a module name is looked up from it, because there is no main module', async () => {
    const program = `await import(${JSON.stringify(fixture('removed-folder.js'))})`
    assert.equal(await outputOf(program), 'done\n')
  })

  it('the name of the working directory need not be UTF-8', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    try {
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]))
    } catch {
      rmSync(folder, { recursive: true })
      return this.skip() // the file system does not allow such names
    }
    try {
      const program = fileURLToPath(fixture('non-utf8-folder.js'))
      const { stdout, stderr } = await runCommand('sh', [
        '-c',
        'cd "$1"/* && shift && exec "$@"',
        'sh',
        folder,
        process.execPath,
        program,
      ])
      assert.deepEqual([stdout, stderr], ['done\n', ''])
    } finally {
      await runCommand('rm', ['-r', folder]) // Node would look for another name
    }
  })
})
