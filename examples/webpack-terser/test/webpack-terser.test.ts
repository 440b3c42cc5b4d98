import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isSoak } from '@anyfork/test-support'
import type Denque from 'denque'
import { after, before, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const run = promisify(execFile)

describe('examples/webpack-terser', function () {
  this.timeout(300_000) // webpack and its plugin run twice, on a machine that may be busy

  // It takes longer than other suites, and only the pool, which has tests of its own, is ours: the soak is enough.
  const describeInSoak = isSoak ? describe : describe.skip
  describeInSoak('with denque and tinyqueue', () => {
    let folder: string
    let stdout: string

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      stdout = (await run(process.execPath, [main, '--output', folder, 'denque', 'tinyqueue'])).stdout
    })
    after(() => rmSync(folder, { recursive: true }))

    it('fork-pool writes the same files as jest-worker, including source maps', () => {
      const [jestWorker, forkPool] = ['jest-worker', 'fork-pool'].map(name => join(folder, name)) as [string, string]
      const files = readdirSync(jestWorker).sort()
      assert.deepEqual(readdirSync(forkPool).sort(), files)
      for (const name of ['denque.js', 'denque.js.map', 'tinyqueue.js']) assert.ok(files.includes(name), name)
      for (const file of files)
        assert.ok(readFileSync(join(jestWorker, file)).equals(readFileSync(join(forkPool, file))), file)
      assert.match(stdout, /all files are the same\n$/)
    })

    it('workers of the pool minify the files, with one call per bundle', () => {
      assert.match(stdout, /with fork-pool .*, 2 calls in \d workers\n/)
      assert.ok(readFileSync(join(folder, 'fork-pool/denque.js'), 'utf8').split('\n').length < 10)
    })

    it('the bundles run', () => {
      const Queue = createRequire(import.meta.url)(join(folder, 'fork-pool/denque.js')) as typeof Denque
      assert.equal(new Queue([1, 2]).pop(), 2)
    })
  })

  it('exits with 2 and the usage for a number of workers that is invalid', async () => {
    await assert.rejects(run(process.execPath, [main, '--workers', '0']), {
      code: 2,
      stderr: /^--workers: .*\n\nUsage: /,
    })
  })
})
