import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { after, before, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const run = promisify(execFile)

describe('examples/webpack-terser', function () {
  this.timeout(300_000) // webpack and its plugin run twice, on a machine that may be busy
  let folder: string
  let stdout: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    stdout = (await run(process.execPath, [main, '--output', folder, 'commander', 'acorn', 'semver'])).stdout
  })
  after(() => rmSync(folder, { recursive: true }))

  it('writes the same files, source maps included, as the plugin does with its own workers', () => {
    const [own, moved] = ['jest-worker', 'fork-pool'].map(name => join(folder, name)) as [string, string]
    const files = readdirSync(own).sort()
    assert.deepEqual(readdirSync(moved).sort(), files)
    for (const name of ['acorn.js', 'acorn.js.map', 'commander.js', 'semver.js']) assert.ok(files.includes(name), name)
    for (const file of files) assert.ok(readFileSync(join(own, file)).equals(readFileSync(join(moved, file))), file)
    assert.match(stdout, /all files are the same\n$/)
  })

  it('has them minified by workers of the pool, one call for each bundle', () => {
    assert.match(stdout, /over fork-pool .*, 3 calls in \d workers\n/)
    assert.ok(readFileSync(join(folder, 'fork-pool/commander.js'), 'utf8').split('\n').length < 10)
  })

  it('writes bundles that work', () => {
    const { parse } = createRequire(import.meta.url)(join(folder, 'fork-pool/acorn.js')) as {
      parse(code: string, options: object): { type: string }
    }
    assert.equal(parse('1 + 1', { ecmaVersion: 2022 }).type, 'Program')
  })
})
