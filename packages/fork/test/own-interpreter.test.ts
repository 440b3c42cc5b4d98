import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ForkProcess } from '@anyfork/fork'
import { outputOf, PATIENCE_MS, runCommand, runProgram } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'

const packagePath = createRequire(import.meta.url).resolve('@anyfork/fork')

/** Prints the code with which a default template is refused, or that it works. */
const tryTemplate = `
  import { ForkProcess } from '@anyfork/fork'
  try {
    const template = ForkProcess.exec(JSON.parse(process.argv.at(-1)))
    await template.ready()
    console.log('works')
    await template.close()
  } catch (error) {
    console.log(error.code, error.message)
  }`

/** Runs `tryTemplate` after some code. */
function outcomeAfter(code: string, options: object = {}, env: NodeJS.ProcessEnv = {}): Promise<string> {
  return outputOf(`await 0; ${code}; await import(${dataUrl(tryTemplate)})`, [JSON.stringify(options)], { env })
}

function dataUrl(module: string): string {
  const source = module.replace("'@anyfork/fork'", JSON.stringify(`file://${packagePath}`))
  return JSON.stringify(`data:text/javascript,${encodeURIComponent(source)}`)
}

/** What makes `process` look like that of a program whose executable is not Node. */
const packed: Record<string, string> = {
  'pkg, simulated by process.pkg': 'process.pkg = {}',
  'nexe, simulated by process.__nexe': 'process.__nexe = {}',
  'Electron, simulated by process.versions.electron':
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '38.0.0' } })",
  'NW.js, simulated by process.versions.nw':
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, nw: '0.104.0' } })",
  'a single executable application, simulated by node:sea':
    "const get = process.getBuiltinModule; process.getBuiltinModule = name => name === 'node:sea' ? { isSea: () => true } : get(name)",
}

describe('a program whose executable is not Node', () => {
  for (const [name, code] of Object.entries(packed)) {
    it(`a template of ${name}, is refused with ERR_NO_INTERPRETER`, async () => {
      assert.match(await outcomeAfter(code), /^ERR_NO_INTERPRETER .*set the option execPath/)
    })
  }

  it('a template of pkg, simulated, works with the option execPath', async () => {
    assert.equal(await outcomeAfter('process.pkg = {}', { execPath: process.execPath }), 'works\n')
  })

  it('a template of Electron, simulated, works with ELECTRON_RUN_AS_NODE in its environment', async () => {
    const code = packed['Electron, simulated by process.versions.electron']!
    assert.equal(await outcomeAfter(code, {}, { ELECTRON_RUN_AS_NODE: '1' }), 'works\n')
  })

  describe('a real single executable application', () => {
    let folder: string
    let program: string

    before(function () {
      if (!canBuildSea()) this.skip()
      folder = mkdtempSync(join(tmpdir(), 'anyfork-sea-'))
      program = join(folder, 'program')
      const main = join(folder, 'main.cjs')
      const source = `
        const { ForkProcess } = require('node:module').createRequire(${JSON.stringify(packagePath)})('@anyfork/fork')
        const run = async () => {
          const template = ForkProcess.exec(JSON.parse(process.argv.at(-1)))
          await template.ready()
          console.log('works')
          await template.close()
        }
        run().catch(error => console.log(error.code, error.message))`
      writeFileSync(main, source)
      writeFileSync(join(folder, 'sea.json'), JSON.stringify({ main, output: program }))
      execFileSync(process.execPath, ['--build-sea', join(folder, 'sea.json')])
    })
    after(() => folder && rmSync(folder, { recursive: true }))

    it('refuses a template with ERR_NO_INTERPRETER', async () => {
      const { stdout } = await runCommand(program, ['{}'])
      assert.match(stdout, /^ERR_NO_INTERPRETER .*single executable application/)
    })

    it('has a template with the option execPath', async () => {
      const { stdout } = await runCommand(program, [JSON.stringify({ execPath: process.execPath })])
      assert.equal(stdout, 'works\n')
    })
  })
})

describe('a program that is started in the place of an interpreter', () => {
  let folder: string
  before(() => (folder = mkdtempSync(join(tmpdir(), 'anyfork-chain-'))))
  after(() => rmSync(folder, { recursive: true }))

  /** Makes an executable file. */
  function executable(name: string, text: string): string {
    const file = join(folder, name)
    writeFileSync(file, text)
    chmodSync(file, 0o755)
    return file
  }

  it('starts no other template, even if nothing tells that it is not Node', async () => {
    const log = join(folder, 'log')
    const program = executable('program', `#!/bin/sh\nexec ${process.execPath} ${join(folder, 'main.mjs')}\n`)
    const url = JSON.stringify(`file://${packagePath}`)
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { appendFileSync } from 'node:fs'
      import { ForkProcess } from ${url}
      appendFileSync(${JSON.stringify(log)}, 'started\\n')
      if (readLines() > 20) process.exit(1) // ends a chain
      function readLines() { return process.getBuiltinModule('fs').readFileSync(${JSON.stringify(log)}, 'utf8').split('\\n').length }
      process.execPath = ${JSON.stringify(program)}
      try {
        await ForkProcess.exec().ready()
      } catch (error) {
        appendFileSync(${JSON.stringify(log)}, error.code + '\\n')
      }`,
    )
    await runCommand(program, [])
    assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [
      'started',
      'started',
      'ERR_NO_INTERPRETER',
      'ERR_PROCESS_EXITED',
    ])
  })

  it('is killed after startTimeout, and orders reject with ERR_START_TIMEOUT', async () => {
    const template = ForkProcess.exec({
      execPath: executable('waits', '#!/bin/sh\nexec sleep 1000\n'),
      startTimeout: 50,
    })
    await assert.rejects(template.ready(), { code: 'ERR_START_TIMEOUT', message: /within 50 ms/ })
    assert.deepEqual(await template.exited, { code: null, signal: 'SIGKILL' })
  })

  it('startTimeout does not end an interpreter that has started', async () => {
    const template = ForkProcess.exec({ startTimeout: 60_000 })
    const child = template.fork()
    await child.ready()
    await child.close()
    await template.close()
  })

  it('a module that is preloaded may import @anyfork/fork/early', async () => {
    const early = createRequire(import.meta.url).resolve('@anyfork/fork/early')
    const program = `
      import { ForkProcess } from '@anyfork/fork'
      const child = ForkProcess.create()
      await child.ready()
      console.log(child.isAlive)`
    assert.equal(await outputOf(program, [], { nodeFlags: ['--import', early] }), 'true\n')
  })

  it('a preloaded module that starts a template gets ERR_NO_INTERPRETER there, and the template works', async () => {
    const preload = join(folder, 'preload.mjs')
    const url = JSON.stringify(`file://${packagePath}`)
    writeFileSync(
      preload,
      `import { ForkProcess } from ${url}
      try { ForkProcess.create() } catch (error) { console.log(error.code) }`,
    )
    const program = `
      import { ForkProcess } from '@anyfork/fork'
      await ForkProcess.create().ready()
      console.log('ready')`
    const { stdout, stderr } = await runProgram(program, [], { nodeFlags: ['--import', preload] })
    assert.equal(stdout, 'ERR_NO_INTERPRETER\nready\n', stderr)
  })

  it('a template finds no variable of this package in its environment', async () => {
    const template = ForkProcess.exec({ env: { PATH: process.env['PATH'] } })
    const child = template.fork().eval(() => {
      const names = Object.keys(process.env)
      if (names.some(name => name.startsWith('ANYFORK'))) throw new Error(names.join())
    })
    await child.ready()
    await child.close()
    await template.close()
  })
})

/** Returns whether this Node can make a single executable application by itself, as it can since 25.5. */
function canBuildSea(): boolean {
  const { stdout, stderr } = spawnSync(process.execPath, ['--build-sea'], { encoding: 'utf8', timeout: PATIENCE_MS })
  return !/bad option/.test(stdout + stderr)
}
