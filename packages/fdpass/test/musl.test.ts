import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'mocha'

const folder = resolve(import.meta.dirname, '../..')
const nodeHeaders = resolve(process.execPath, '../../include/node')
/** What the program needs of the native code. */
const sources = ['descriptor', 'message', 'receive', 'receive-if-room', 'send', 'send-many'].map(
  name => `native/${name}.c`,
)
const { EINVAL, ENOMEM } = constants.errno

/** Returns the version of the musl with which programs of musl-gcc run: its loader prints that. */
function muslVersion(): string | undefined {
  if (spawnSync('musl-gcc', ['--version']).status !== 0) return undefined
  const { stderr } = spawnSync('/bin/sh', ['-c', 'exec /lib/ld-musl-$(uname -m).so.1'], { encoding: 'utf8' })
  return /^Version (\S+)/m.exec(stderr)?.[1]
}

function isBefore124(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major * 1e6 + minor * 1e3 + patch < 1_002_004
}

describe('fdpass_most_descriptors()', () => {
  it('is the number that musl accepts: 252 before version 1.2.4, else 253', function () {
    const version = muslVersion()
    const missing = [version === undefined && 'musl-gcc', !existsSync(join(nodeHeaders, 'uv.h')) && 'uv.h'].filter(
      Boolean,
    )
    if (version === undefined || missing.length) {
      console.log(`      not installed: ${missing.join(', ')}`)
      return this.skip()
    }
    const build = mkdtempSync(join(tmpdir(), 'anyfork-musl-'))
    try {
      const program = join(build, 'most-descriptors')
      const flags = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-isystem', nodeHeaders]
      execFileSync('musl-gcc', [...flags, 'test/fixtures/most-descriptors.c', ...sources, '-o', program], {
        cwd: folder,
      })
      const { LD_PRELOAD: _, ...env } = process.env // a sanitizer of glibc's, which musl cannot load
      assert.equal(
        execFileSync(program, { encoding: 'utf8', env }),
        isBefore124(version) ? `252 ${ENOMEM}\n` : `253 ${EINVAL}\n`,
      )
    } finally {
      rmSync(build, { recursive: true })
    }
  })
})
