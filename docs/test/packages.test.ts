import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { after, before, describe, it } from 'mocha'

const run = promisify(execFile)
const top = resolve(import.meta.dirname, '../../..')

/** A program for each package that uses nothing but this package. */
const programs: Record<string, string> = {
  fdpass: `
    import { recv, send, socketpair } from '@anyfork/fdpass'
    const [left, right] = socketpair()
    send(left, 0)
    console.log(recv(right).isOpen)`,
  fdpasser: `
    import { FdPasser, socketpair } from '@anyfork/fdpasser'
    const [left, right] = socketpair().map(fd => new FdPasser({ fd }))
    await left.pushSend(0, { keep: true })
    console.log((await right.pushRecv()).isOpen)
    left.destroy(), right.destroy()`,
  fork: `
    import { ForkProcess } from '@anyfork/fork'
    const child = ForkProcess.create().eval(() => { globalThis.leave = () => process.exit(7) })
    await child.run('leave')
    console.log((await child.exited).code === 7)`,
  'fork-rpc': `
    import { ForkProcess, run } from '@anyfork/fork-rpc'
    const basename = run(ForkProcess.create(), 'node:path', 'basename')
    console.log(await basename('/a/b') === 'b')`,
  'fork-pool': `
    import { ForkProcess, pool } from '@anyfork/fork-pool'
    const basename = pool(ForkProcess.create(), 'node:path', 'basename')
    console.log(await basename('/a/b') === 'b')`,
}

describe('a packed package', () => {
  let folder: string
  let tarballs: Record<string, string>

  before(async function () {
    this.timeout(120_000)
    folder = mkdtempSync(join(tmpdir(), 'anyfork-pack-'))
    const names = Object.keys(programs)
    const { stdout } = await run(
      'npm',
      ['pack', '--json', '--pack-destination', folder, ...names.map(name => `./packages/${name}`)],
      { cwd: top },
    )
    const packed = JSON.parse(stdout) as { name: string; filename: string }[]
    tarballs = Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${join(folder, filename)}`]))
    assert.deepEqual(Object.keys(tarballs).sort(), names.map(name => `@anyfork/${name}`).sort())
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const [name, program] of Object.entries(programs)) {
    it(`@anyfork/${name} works alone in an empty project, as an ES module and by require()`, async function () {
      this.timeout(120_000)
      const project = join(folder, name)
      const packageName = `@anyfork/${name}`
      const { [packageName]: own, ...overrides } = tarballs
      mkdirSync(project)
      writeFileSync(
        join(project, 'package.json'),
        JSON.stringify({ type: 'module', dependencies: { [packageName]: own }, overrides }),
      )
      writeFileSync(join(project, 'program.js'), program)
      writeFileSync(
        join(project, 'required.cjs'),
        `console.log(typeof require('${packageName}') === 'object'); process.exit()`,
      )
      await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: project })
      for (const file of ['program.js', 'required.cjs']) {
        const { stdout } = await run(process.execPath, [file], { cwd: project, timeout: 15_000 })
        assert.equal(stdout, 'true\n')
      }
    })
  }
})
