import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { isSoak, outputOf } from '@anyfork/test-support'
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

/** What `npm pack --json` says of a package. Sizes are in bytes. */
interface Packed {
  name: string
  filename: string
  size: number
  unpackedSize: number
  files: { path: string; size: number }[]
}

/**
 * How large a package may be without prebuilt addons, in KiB: packed, and unpacked. These are about a quarter more than in
 * version 0.1.0, so that a file which was added by mistake is noticed.
 */
const sizeLimits: Record<string, readonly [packed: number, unpacked: number]> = {
  fdpass: [95, 370],
  fdpasser: [35, 125],
  fork: [400, 1450],
  'fork-rpc': [255, 1020],
  'fork-pool': [220, 860],
}
const KIB = 1024
const bin = join(top, 'node_modules/.bin')

describe('a packed package', () => {
  let folder: string
  let packs: Packed[]

  // One installation is enough for all packages. Without the soak, it uses the addons of this repository: to compile them
  // takes most of the time of this suite.
  before(async function () {
    this.timeout(300_000)
    folder = mkdtempSync(join(tmpdir(), 'anyfork-pack-'))
    const names = Object.keys(programs)
    const { stdout } = await run(
      'npm',
      ['pack', '--json', '--pack-destination', folder, ...names.map(name => `./packages/${name}`)],
      { cwd: top },
    )
    packs = JSON.parse(stdout) as Packed[]
    const dependencies = Object.fromEntries(packs.map(({ name, filename }) => [name, `file:${join(folder, filename)}`]))
    assert.deepEqual(Object.keys(dependencies).sort(), names.map(name => `@anyfork/${name}`).sort())
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies }))
    const scripts = isSoak ? [] : ['--ignore-scripts']
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...scripts], {
      cwd: folder,
      env: { ...process.env, CFLAGS: '-O0' }, // the addons compile faster, and need not be fast here
    })
    if (!isSoak) for (const name of ['fdpass', 'fork']) copyAddons(name, join(folder, 'node_modules/@anyfork', name))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const [name, [packed, unpacked]] of Object.entries(sizeLimits)) {
    it(`@anyfork/${name} takes at most ${packed} KiB packed and ${unpacked} KiB unpacked, without prebuilt addons`, () => {
      const { size, unpackedSize, files } = packOf(name)
      const addons = files.filter(({ path }) => path.startsWith('prebuilds/')).reduce((sum, file) => sum + file.size, 0)
      const largest = files.toSorted((one, other) => other.size - one.size).slice(0, 5)
      const report = largest.map(({ path, size }) => `${path}: ${size}`).join(', ')
      if (!addons) assert.ok(size <= packed * KIB, `${size} bytes packed: ${report}`) // prebuilt addons are packed, too
      assert.ok(unpackedSize - addons <= unpacked * KIB, `${unpackedSize - addons} bytes unpacked: ${report}`)
    })

    it(`@anyfork/${name} contains only code, types, documents, and the sources of its addon`, () => {
      const { files } = packOf(name)
      const kinds =
        /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md|binding\.gyp|install\.cjs|bin\/[\w-]+\.js|src\/.*\.ts|dist\/.*\.(?:js|d\.ts)(?:\.map)?|dist\/remote\/\w+\.cjs|native\/.*\.[ch]|prebuilds\/[\w-]+\/@anyfork\+\w+(?:\.\w+)?\.node)$/
      assert.deepEqual(
        files.map(({ path }) => path).filter(path => !kinds.test(path) || /\btest\b/.test(path)),
        [],
      )
    })

    it(`@anyfork/${name} has no problem that publint reports`, async () => {
      await run(join(bin, 'publint'), ['--strict', fileOf(name)])
    })

    // It loads a compiler for each way of importing each entry.
    const test = isSoak ? it : it.skip
    test(`@anyfork/${name} has types for each of its entries, as ES modules`, async () => {
      await run(join(bin, 'attw'), ['--profile', 'esm-only', '--format', 'json', fileOf(name)])
    })
  }

  const packOf = (name: string): Packed => packs.find(pack => pack.name === `@anyfork/${name}`)!
  const fileOf = (name: string): string => join(folder, packOf(name).filename)

  for (const [name, program] of Object.entries(programs)) {
    it(`@anyfork/${name} works in a project with nothing but its dependencies, as an ES module and by require()`, async () => {
      const project = mkdtempSync(join(tmpdir(), 'anyfork-project-'))
      const packageName = `@anyfork/${name}`
      copyWithDependencies(packageName, join(folder, 'node_modules'), join(project, 'node_modules'))
      writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
      writeFileSync(join(project, 'program.js'), program)
      writeFileSync(
        join(project, 'required.cjs'),
        `console.log(typeof require('${packageName}') === 'object'); process.exit()`,
      )
      for (const file of ['program.js', 'required.cjs'])
        assert.equal(await outputOf(pathToFileURL(join(project, file)), [], { cwd: project }), 'true\n')
      rmSync(project, { recursive: true })
    })
  }
})

/** Copies what compiling the addons of a package has made to an installed copy of it. */
function copyAddons(name: string, to: string): void {
  const from = join(top, 'packages', name, 'build/Release')
  const addons = readdirSync(from).filter(file => file.endsWith('.node'))
  assert.notDeepEqual(addons, [])
  for (const addon of addons) cpSync(join(from, addon), join(to, 'build/Release', addon))
}

/** Copies a package and, if they are installed, all packages that its manifest and theirs name as dependencies. */
function copyWithDependencies(name: string, from: string, to: string): void {
  const source = join(from, name)
  if (!existsSync(source) || existsSync(join(to, name))) return
  mkdirSync(dirname(join(to, name)), { recursive: true })
  cpSync(source, join(to, name), { recursive: true })
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies }))
    copyWithDependencies(dependency, from, to)
}
