import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { outputOf } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { top } from './support/markdown.js'

const run = promisify(execFile)
/** The cross compiler. It is not downloaded for a test: name it, or run scripts/prebuild.js once. */
const zig = [process.env['ZIG'], join(top, 'node_modules/.cache/zig-0.11.0/package/zig')].find(
  path => path !== undefined && existsSync(path),
)

describe('the addons that scripts/prebuild.js builds', () => {
  let folder: string

  before(async function () {
    if (zig === undefined || process.platform !== 'linux' || process.arch !== 'x64') this.skip()
    this.timeout(600_000) // the compiler first builds each libc
    folder = mkdtempSync(join(tmpdir(), 'anyfork-prebuilt-'))
    await run(process.execPath, [join(top, 'scripts/prebuild.js'), '--into', folder], {
      env: { ...process.env, ZIG: zig },
    })
  })
  after(() => folder && rmSync(folder, { recursive: true }))

  for (const name of ['fdpass', 'fork'])
    it(`the addons of ${name} are for x64 and arm64, each with glibc and musl`, () => {
      const files = readdirSync(join(folder, name, 'prebuilds'), { recursive: true }).map(String)
      assert.deepEqual(
        files.filter(file => file.endsWith('.node')).sort(),
        ['arm64', 'x64'].flatMap(arch =>
          ['glibc', 'musl'].map(libc => join(`linux-${arch}`, `@anyfork+${name}.${libc}.node`)),
        ),
      )
    })

  it('the addons for this machine are found and used', async function () {
    if (!('glibcVersionRuntime' in ((process.report.getReport() as { header: object }).header as object))) this.skip()
    const program = `
      import { readFileSync } from 'node:fs'
      import { ForkProcess } from '@anyfork/fork'
      const template = ForkProcess.exec({ mode: 'fork' })
      const child = template.fork()
      await child.ready()
      const addons = new Set(readFileSync('/proc/' + child.pid + '/maps', 'utf8').match(/@anyfork[+]\\S+[.]node/g))
      console.log(child.mode, [...addons].sort().join())
      await child.close()
      await template.close()`
    const env = {
      '@ANYFORK/FDPASS_PREBUILD': join(folder, 'fdpass'), // node-gyp-build reads these
      '@ANYFORK/FORK_PREBUILD': join(folder, 'fork'),
      PREBUILDS_ONLY: '1',
    }
    const output = await outputOf(program, [], { env })
    assert.equal(output, 'fork @anyfork+fdpass.glibc.node,@anyfork+fork.glibc.node\n')
  })
})
