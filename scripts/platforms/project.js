// The folder in which the programs run, and what rows make in it.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { top } from '../tools.js'

const bin = join(top, 'node_modules/.bin')

/** Makes a folder with the program and the packages of this repository. Every user can read it. */
export function makeProject() {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-platforms-'))
  chmodSync(folder, 0o755)
  for (const file of ['main.mjs', 'worker.mjs']) cpSync(join(top, 'scripts/pool-program', file), join(folder, file))
  symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Compiles the program that refuses system calls. Returns its path. */
export function compileFilter(folder) {
  const file = join(folder, 'refuse-calls')
  execFileSync('cc', ['-o', file, join(top, 'packages/fork/test/fixtures/refuse-calls.c')], { stdio: 'pipe' })
  return file
}

/** Bundles main.mjs. Returns the path of the bundle. */
export function bundle(folder, bundler, isExternal) {
  const out = `dist-${bundler}${isExternal ? '' : '-all'}`
  const options = {
    esbuild: [
      ...['main.mjs', 'worker.mjs', '--bundle', '--platform=node', '--format=esm', '--out-extension:.js=.mjs'],
      ...[`--outdir=${out}`, ...(isExternal ? ['--external:@anyfork/*'] : [])],
    ],
    rolldown: [
      ...['main.mjs', 'worker.mjs', '--platform', 'node', '--dir', out, '--entry-file-names', '[name].mjs'],
      ...(isExternal ? ['--external', '@anyfork/fork-pool'] : []),
    ],
    rollup: [
      ...['main.mjs', 'worker.mjs', '--silent', '--dir', out, '--entryFileNames', '[name].mjs'],
      ...['--external', '@anyfork/fork-pool'],
    ],
    ncc: ['build', 'main.mjs', '--out', out, ...(isExternal ? ['--external', '@anyfork/fork-pool'] : [])],
  }
  if (!existsSync(join(bin, bundler))) throw new Error(`${bundler} is not installed: run npm ci`)
  execFileSync(join(bin, bundler), options[bundler], { cwd: folder, stdio: 'pipe' })
  return join(folder, out, bundler === 'ncc' ? 'index.mjs' : 'main.mjs')
}

/** Makes a single executable application, which Node can do by itself since 25.5. Returns its path. */
export function buildApplication(folder, node, execPath) {
  const main = join(folder, 'application.cjs')
  const output = join(folder, execPath ? 'application-with-node' : 'application')
  writeFileSync(
    main,
    `const { ForkProcess, pool } = require('node:module').createRequire(${JSON.stringify(join(folder, 'main.mjs'))})('@anyfork/fork-pool')
    ${execPath ? `ForkProcess.templateOptions = { execPath: ${JSON.stringify(execPath)} }` : ''}
    const run = async () => {
      const square = pool(${JSON.stringify(join(folder, 'worker.mjs'))}, 'square', { max: 2 })
      const answers = await Promise.all([2, 3].map(number => square(number)))
      const { template } = await square.stats()
      await square.close()
      console.log(JSON.stringify({ answers, mode: template.mode, obstacle: template.obstacle }))
    }
    run()`,
  )
  writeFileSync(join(folder, 'sea.json'), JSON.stringify({ main, output }))
  execFileSync(node, ['--build-sea', join(folder, 'sea.json')], { stdio: 'pipe' })
  return output
}
