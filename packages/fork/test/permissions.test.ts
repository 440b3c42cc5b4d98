import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { outputOf, runProgram } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

const url = `file://${createRequire(import.meta.url).resolve('@anyfork/fork')}`
const top = resolve(import.meta.dirname, '../../../..')
const flag = Number(process.versions.node.split('.')[0]) < 24 ? '--experimental-permission' : '--permission'

/** What a program needs that forks processes: the reasons are in docs/FORK_SAFETY.md. */
const needed = {
  files: `--allow-fs-read=${join(top, '/')}`,
  libc: '--allow-fs-read=/etc/alpine-release',
  proc: '--allow-fs-read=/proc/',
  addons: '--allow-addons',
  children: '--allow-child-process',
}

/** Prints how a process was made, or the error. */
const program = (mode: string): string => `
  try {
    const { ForkProcess } = await import(${JSON.stringify(url)})
    const template = ForkProcess.exec({ mode: '${mode}' })
    const child = template.fork().eval(() => globalThis.process.getBuiltinModule('fs').readdirSync('/proc/self/fd'))
    await child.ready()
    console.log(child.mode)
    await child.close()
    await template.close()
  } catch (error) {
    console.log(error.code, error.message)
  }`

/** Runs a program with the permission model. */
async function withPermissions(flags: readonly string[], mode = 'fork'): Promise<{ stdout: string; stderr: string }> {
  return await runProgram(program(mode), [], { nodeFlags: [flag, ...flags] })
}

function without(name: keyof typeof needed): string[] {
  const { [name]: _, ...others } = needed
  return Object.values(others)
}

describe("with Node's permission model", () => {
  before(function () {
    if (process.env['@ANYFORK/FORK_PREBUILD']) this.skip() // the addons are in another folder: see scripts/sanitize
  })

  it('processes are forked with the permissions that the documentation lists', async () => {
    assert.equal((await withPermissions(Object.values(needed))).stdout, 'fork\n')
  })

  it('without permission to start processes, a template is refused with ERR_NOT_PERMITTED, which names the flag', async () => {
    const { stdout } = await withPermissions(without('children'))
    assert.match(stdout, /^ERR_NOT_PERMITTED .*--allow-child-process/)
  })

  it('without permission to read /proc, a fork fails in mode fork with ERR_FORK_IMPOSSIBLE, which names the flag', async () => {
    assert.match((await withPermissions(without('proc'))).stdout, /^ERR_FORK_IMPOSSIBLE .*--allow-fs-read=\/proc/)
  })

  it('without permission to read /proc, processes are fresh interpreters in mode auto, and a warning names the flag', async () => {
    const { stdout, stderr } = await runProgram(program('auto').replace(/\.eval\(.*\)\)/, ''), [], {
      nodeFlags: [flag, ...without('proc')],
    })
    assert.equal(stdout, 'exec\n', stderr)
    assert.match(stderr, /ANYFORK_FALLBACK.*\n.*--allow-fs-read=\/proc/)
  })

  it('without permission to read what tells the libc, the import names the file', async () => {
    const { stdout } = await withPermissions(without('libc'))
    assert.match(stdout, /^ERR_ADDON_NOT_ALLOWED .*--allow-fs-read=\/etc\/alpine-release/)
  })

  if (flag === '--permission')
    it('without permission to load addons, the import names the flag', async () => {
      assert.match((await withPermissions(without('addons'))).stdout, /^ERR_ADDON_NOT_ALLOWED .*--allow-addons/)
    })
})

describe('with --frozen-intrinsics', () => {
  /** Prints what a program prints that has a template in this mode. */
  const frozen = (mode: string): Promise<{ stdout: string; stderr: string }> =>
    runProgram(program(mode), [], { nodeFlags: ['--frozen-intrinsics'] })

  it('processes are fresh interpreters in mode auto, and a warning says why', async () => {
    const { stdout, stderr } = await frozen('auto')
    assert.equal(stdout, 'exec\n', stderr)
    assert.match(stderr, /ANYFORK_FALLBACK.*frozen Math\.random\(\)\n.*--frozen-intrinsics/)
  })

  it('a fork fails with ERR_FORK_IMPOSSIBLE in mode fork', async () => {
    assert.match((await frozen('fork')).stdout, /^ERR_FORK_IMPOSSIBLE .*--frozen-intrinsics/)
  })

  it('forks are real if the template is started without it', async () => {
    const { stdout } = await runProgram(program('fork').replace('{ mode:', '{ execArgv: [], mode:'), [], {
      nodeFlags: ['--frozen-intrinsics'],
    })
    assert.equal(stdout, 'fork\n')
  })

  it('forkTemplate() rejects with a finding', async () => {
    const template = `file://${createRequire(import.meta.url).resolve('@anyfork/fork/template')}`
    const source = `
      const { forkingFlags, forkTemplate } = await import(${JSON.stringify(template)})
      await forkTemplate().catch(({ code, findings }) => console.log(code, findings.map(({ subject }) => subject).join()))`
    const output = await outputOf(source, [], {
      nodeFlags: ['--single-threaded', '--v8-pool-size=1', '--frozen-intrinsics'],
    })
    assert.equal(output, 'ERR_NOT_FORKABLE frozen Math.random()\n')
  })
})

describe('a template in which other code has frozen Math, as SES does', () => {
  it('is not forked', async () => {
    const freeze = `data:text/javascript,${encodeURIComponent('Object.freeze(Math)')}`
    const { stdout } = await runProgram(program('fork'), [], { nodeFlags: ['--import', freeze] })
    assert.match(stdout, /^ERR_FORK_IMPOSSIBLE frozen Math\.random\(\)/)
  })
})
