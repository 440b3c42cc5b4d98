import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isSoak, outputOf, runCommand } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'

const packages = fileURLToPath(new URL('../../../../node_modules/@anyfork', import.meta.url))

/** Prints what the package `place` exports, and the same from an import in `eval`. */
const find = `
  const template = ForkProcess.exec().require('place').warm('place', 'hold')
  await template.eval(async () => void (await import('place'))).ready()
  const socket = await template.fork().run('place', 'hold')
  socket.close()
  await template.close()
  console.log('found')`

/** Does the same within a forked process, whose working folder is another one. */
const findWithin = `
  const child = ForkProcess.create()
  const socket = await child.run(new URL('./within.mjs', import.meta.url), 'find')
  socket.close()
  console.log((await child.exited).code === 0 ? 'found' : 'not found')`

describe('a package that is named by a string', () => {
  let folder: string
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const outputAt = async (cwd: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await runCommand(process.execPath, args, { cwd })
    assert.equal(stderr, '')
    return stdout
  }

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
    mkdirSync(join(folder, 'node_modules/place'), { recursive: true })
    symlinkSync(packages, join(folder, 'node_modules/@anyfork'))
    write('node_modules/place/package.json', '{ "type": "module", "exports": { "import": "./index.js" } }')
    write('node_modules/place/index.js', 'export const hold = () => {}')
    write('package.json', '{ "main": "main.cjs" }')
    write('main.mjs', `import { ForkProcess } from '@anyfork/fork'\n${find}`)
    write('main.cjs', `require('@anyfork/fork').ForkProcess; import('./main.mjs')`)
    write('plain.js', `import('./main.mjs')`)
    write('outer.mjs', `import { ForkProcess } from '@anyfork/fork'\n${findWithin}`)
    write(
      'within.mjs',
      `import { ForkProcess } from '@anyfork/fork'\nexport async function find() {\nprocess.chdir('/')\n${find}\nprocess.exit(0)\n}`,
    )
    mkdirSync(join(folder, 'bin'))
    symlinkSync('../main.mjs', join(folder, 'bin/linked'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const mainModules = [
    ['an ES module', 'main.mjs'],
    ['a CommonJS module', 'main.cjs'],
    ['a symbolic link', 'bin/linked'],
  ] as const
  const unusual = [
    ['a module without its extension', 'plain'],
    ['a folder', ''],
  ] as const
  for (const [what, ...path] of isSoak ? [...mainModules, ...unusual] : mainModules)
    it(`is looked up from the main module, not from the working directory, if the main module is ${what}`, async () => {
      assert.equal(await outputAt('/', join(folder, ...path)), 'found\n')
    })

  for (const mode of ['auto', 'exec'])
    it(`is looked up from the main module of the program in a process that starts others; mode ${mode}`, async () => {
      const { stdout } = await runCommand(process.execPath, [join(folder, 'outer.mjs')], {
        cwd: folder,
        env: { ANYFORK_MODE: mode },
      })
      assert.match(stdout, /^found$/m)
    })

  const aFile = ['a file', fileURLToPath(import.meta.url)] as const
  for (const [what, ...args] of isSoak ? ([['none'], ['no path', 'x'], aFile] as const) : [aFile])
    it(`is looked up from the working directory by code of --eval if its argument is ${what}`, async () => {
      const program = `import { ForkProcess } from '@anyfork/fork'\n${find}`
      assert.equal(await outputOf(program, args, { cwd: folder }), 'found\n')
    })

  it('is not found from the working directory if there is a main module', async () => {
    const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
    writeFileSync(
      join(elsewhere, 'main.mjs'),
      `import { ForkProcess } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      await ForkProcess.exec().require('place').ready().catch(error => console.log(error.code))`,
    )
    assert.equal(await outputAt(folder, join(elsewhere, 'main.mjs')), 'ERR_MODULE_NOT_FOUND\n')
    rmSync(elsewhere, { recursive: true })
  })
})
