import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tabulate } from '@anyfork/example-minify/outcome'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const run = promisify(execFile)

describe('examples/minify', () => {
  it(`minifies a dependency tree with forked workers${isSoak ? ' as with child processes' : ''}`, async () => {
    const columns = <T>(value: T): T[] => (isSoak ? [value, value] : [value])
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const { stdout } = await run(process.execPath, [
      main,
      '--package',
      'strip-ansi', // depends on ansi-regex; both are small
      '--output',
      folder,
      '--workers',
      '2',
      ...(isSoak ? ['--compare'] : []),
    ])
    const row = (title: string): string[] =>
      stdout
        .split('\n')
        .find(line => line.startsWith(title))!
        .slice(24)
        .trim()
        .split(/\s{2,}/)
    const written = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    const paths = written.map(entry => join(entry.parentPath, entry.name))
    const sizes = paths.map(path => [statSync(path).size, statSync(path.slice(folder.length)).size] as const)
    rmSync(folder, { recursive: true })
    for (const name of ['strip-ansi', 'ansi-regex'])
      assert.ok(
        paths.some(path => path.includes(`/${name}/`)),
        name,
      )
    for (const [minified, source] of sizes) assert.ok(minified > 0 && minified < source)
    assert.deepEqual(row('files'), columns(`${written.length}`))
    assert.deepEqual(row('failed'), columns('0'))
    const total = (of: 0 | 1): string => `${(sizes.reduce((sum, size) => sum + size[of], 0) / 1e3).toFixed(1)} kB`
    assert.deepEqual(row('bytes out'), columns(total(0)))
    assert.deepEqual(row('bytes in'), columns(total(1)))
  })

  it('counts the workers that were started, also those that have ended', () => {
    const worker = { startMilliseconds: 1, ussBytes: 1e6, pssBytes: 1e6 }
    const outcome = { files: 3, failed: 0, bytesIn: 1, bytesOut: 1, seconds: 1, started: 2, workers: [worker] }
    assert.match(tabulate({ 'fork-pool': outcome }), /^workers.* 2$/m)
    assert.doesNotMatch(tabulate({ 'fork-pool': { ...outcome, workers: [] } }), /NaN/)
  })

  it('exits with 2 and the usage for a package that is not installed', async () => {
    await assert.rejects(run(process.execPath, [main, '--package', 'no-such-package']), {
      code: 2,
      stderr: /^--package: no-such-package is not installed\n\nUsage: /,
    })
  })

  it('exits with 2 and the usage for options that are invalid', async () => {
    for (const args of [['--workers', '0'], ['--workers', 'many'], ['--no-such-option']])
      await assert.rejects(run(process.execPath, [main, ...args]), { code: 2, stderr: /^.*--[\w-]+.*\n\nUsage: / })
  })
})
