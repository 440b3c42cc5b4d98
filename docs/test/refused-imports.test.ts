import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { outputOf, runCommand } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { top } from './support/markdown.js'

const names = ['fdpass', 'fdpasser', 'fork', 'fork-rpc', 'fork-pool'].map(name => `@anyfork/${name}`)
const addons = ['fdpass', 'fork']

/** What makes `process` look like that of another runtime or system. */
const refused = {
  'in Bun, simulated by process.versions.bun': [
    withVersion('bun'),
    'ERR_UNSUPPORTED_RUNTIME',
    /in Bun, .* with Node\.js$/,
  ],
  'in Deno, simulated by process.versions.deno': [
    withVersion('deno'),
    'ERR_UNSUPPORTED_RUNTIME',
    /in Deno, .* with Node\.js$/,
  ],
  'on Windows, simulated by process.platform': [
    "Object.defineProperty(process, 'platform', { value: 'win32' })",
    'ERR_UNSUPPORTED_PLATFORM',
    /on Windows, .* use Linux, macOS, or WSL$/,
  ],
} as const

function withVersion(runtime: string): string {
  return `Object.defineProperty(process, 'versions', { value: { ...process.versions, ${runtime}: '1.2.3' } })`
}

/** Imports a package, and prints the error and how many addons were loaded before. */
const program = (name: string, preparation: string): string => `
  let loaded = 0
  const { dlopen } = process
  process.dlopen = (...args) => (loaded++, dlopen(...args))
  ${preparation}
  const url = ${JSON.stringify(`file://${createRequire(import.meta.url).resolve(name)}`)}
  const { code, message } = await import(url).catch(error => error)
  console.log(JSON.stringify({ code, message, loaded }))`

describe('the import of a package', () => {
  for (const [where, [preparation, code, message]] of Object.entries(refused)) {
    for (const name of names) {
      it(`${name} is refused ${where}, before an addon is loaded`, async () => {
        const outcome = JSON.parse(await outputOf(program(name, preparation)))
        assert.deepEqual({ code: outcome.code, loaded: outcome.loaded }, { code, loaded: 0 })
        assert.match(outcome.message, message)
        assert.doesNotMatch(outcome.message, /\n/)
      })
    }
  }

  it('names the flag when Node is started with --no-addons', async () => {
    const outcome = await outputOf(program('@anyfork/fork', ''), [], { nodeFlags: ['--no-addons'] })
    assert.match(outcome, /"ERR_ADDON_NOT_ALLOWED".*--no-addons/)
  })

  it('names the command to run for all packages with an addon when no addon fits, simulated by a libc that is not known', async () => {
    const outcome = await outputOf(program('@anyfork/fork', ''), [], {
      env: { LIBC: 'unknown', PREBUILDS_ONLY: '1' },
    })
    assert.match(
      outcome,
      /"ERR_ADDON_NOT_FOUND".*libc=unknown.*npm rebuild @anyfork\/fdpass @anyfork\/fork; with npm 12, first npm install-scripts approve @anyfork\/fdpass @anyfork\/fork"/,
    )
  })
})

describe('the installation of a package', () => {
  for (const name of addons) {
    it(`builds nothing for ${name} on Windows, simulated by process.platform, and succeeds`, async () => {
      const folder = join(top, 'packages', name)
      const preparation = `data:text/javascript,${encodeURIComponent(refused['on Windows, simulated by process.platform'][0])}`
      const { code, stdout, stderr } = await runCommand(process.execPath, ['--import', preparation, 'install.cjs'], {
        cwd: folder,
        env: { PATH: dirname(process.execPath), npm_config_build_from_source: 'true' },
      })
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' })
    })

    it(`builds the addon of ${name} elsewhere, or finds a prebuilt one`, () => {
      const { scripts } = manifest(name)
      assert.equal(scripts['install'], 'node install.cjs')
    })
  }

  it('is not refused on any system: programs that use a package only elsewhere can be installed', () => {
    for (const name of names) assert.equal(manifest(name.slice('@anyfork/'.length))['os'], undefined)
  })
})

function manifest(name: string): { scripts: Record<string, string>; os?: string[] } {
  return JSON.parse(readFileSync(join(top, 'packages', name, 'package.json'), 'utf8'))
}
