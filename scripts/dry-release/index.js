// Releases the packages into a registry on this machine, as lerna would to npm. Then installs them from there with each
// package manager, with install scripts blocked and allowed, and runs a program that forks. Run `npm run build` before.
//
//     node scripts/dry-release          all package managers
//     node scripts/dry-release TEXT...  those whose names contain one of these texts
//
// Publishes the prebuilt addons in packages/*/prebuilds or, if there are none, those that this machine has compiled. Package
// managers and other versions of Node are downloaded, once. Rows that cannot run here say why. Exits with 1 if any fails.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import semver from 'semver'
import { outcomeOf } from '../pool-program/outcome.js'
import { downloadEnvironment, nodeOf, top } from '../tools.js'
import { managers } from './managers.js'
import { startRegistry } from './registry.js'

const NODES = [20, 26]
const INSTALL_TIMEOUT_MS = 300_000

/** Copies what lerna needs into a repository of its own: it changes manifests while it publishes. */
function copyRepository(folder) {
  for (const file of ['package.json', 'lerna.json']) cpSync(join(top, file), join(folder, file))
  const isKept = path => !/\/(node_modules|build|test)$/.test(path)
  cpSync(join(top, 'packages'), join(folder, 'packages'), { recursive: true, filter: isKept })
  symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, '.gitignore'), 'node_modules\nprebuilds\ndist\n')
  for (const name of ['fdpass', 'fork'])
    if (!existsSync(join(top, 'packages', name, 'prebuilds'))) useCompiled(name, join(folder, 'packages', name))
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=anyfork', '-c', 'user.email=anyfork@localhost', ...args], { cwd: folder })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('commit', '--quiet', '--message=chore: release')
}

/** Copies the addon that this machine has compiled to where prebuilt ones are. */
function useCompiled(name, to) {
  const release = join(top, 'packages', name, 'build/Release')
  const addon = readdirSync(release).find(file => file.endsWith('.node'))
  const file = join(to, 'prebuilds', `${process.platform}-${process.arch}`, `@anyfork+${name}.node`)
  mkdirSync(dirname(file), { recursive: true })
  cpSync(join(release, addon), file)
  console.log(`packages/${name} has no prebuilds: the addon that this machine has compiled is published.`)
}

async function publish(folder, registry) {
  const config = join(folder, '.npmrc')
  writeFileSync(config, `${registry.url.replace('http:', '')}:_authToken=local\n`)
  const lerna = join(top, 'node_modules/lerna/dist/cli.js')
  const args = [
    'publish',
    'from-package',
    '--yes',
    '--no-verify-access',
    '--ignore-scripts',
    '--registry',
    registry.url,
  ]
  const env = { ...process.env, npm_config_userconfig: config, NX_DAEMON: 'false', CI: 'true' }
  const { code, output } = await run([process.execPath, lerna, ...args], { cwd: folder, env })
  const count = readdirSync(join(top, 'packages')).length
  if (code !== 0 || registry.packages.length !== count) throw new Error(`lerna has failed:\n${output}`)
  console.log(`lerna has published ${registry.packages.sort().join(', ')}.\n`)
}

/** Runs a command. Returns its exit code and its whole output. */
async function run([file, ...args], options) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_TIMEOUT_MS })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [code] = await once(child, 'close')
  return { code, output }
}

/** Installs the packages into an empty project, and runs the program. Returns whether it forks, and what was seen. */
async function tryOut(manager, major, scripts, registry, version, folder) {
  let command
  let node
  try {
    node = nodeOf(major)
    command = manager.prepare()
  } catch (error) {
    return { isSkipped: !process.env.CI, text: `not run here: ${error.message}` }
  }
  const nodeVersion = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
  if (!semver.satisfies(nodeVersion, command.engines))
    return { isSkipped: true, text: `not possible: it needs Node ${command.engines}` }
  for (const file of ['main.mjs', 'worker.mjs']) cpSync(join(top, 'scripts/pool-program', file), join(folder, file))
  const manifest = { private: true, dependencies: { '@anyfork/fork-pool': version }, ...manager.manifest(scripts) }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  for (const [name, text] of Object.entries(manager.files(registry.url, scripts)))
    writeFileSync(join(folder, name), text)
  const env = { ...downloadEnvironment(), CI: 'true', PATH: `${dirname(node)}:${process.env.PATH}` }
  const { code, output } = await run(manager.install(command, node), { cwd: folder, env })
  if (code !== 0) console.error(output)
  const { kind, text } = await outcomeOf(manager.run(command, node), { cwd: folder, env: { PATH: env.PATH } })
  const noted = code === 0 ? text : `${text}; the installation ended with ${code}: ${lastLine(output)}`
  return { isRight: kind === manager.expected, text: noted }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1).slice(0, 160)
}

const texts = process.argv.slice(2)
const chosen = managers.filter(({ name }) => !texts.length || texts.some(text => name.includes(text)))
const folder = mkdtempSync(join(tmpdir(), 'anyfork-release-'))
const registry = await startRegistry()
try {
  mkdirSync(join(folder, 'repository'))
  copyRepository(join(folder, 'repository'))
  await publish(join(folder, 'repository'), registry)
  const { version } = JSON.parse(readFileSync(join(top, 'packages/fork-pool/package.json'), 'utf8'))
  console.log('| package manager | install scripts | Node | | what was seen |\n|---|---|---|---|---|')
  for (const manager of chosen)
    for (const scripts of [false, true])
      for (const major of NODES) {
        const project = mkdtempSync(join(folder, 'project-'))
        const { isRight, isSkipped, text } = await tryOut(manager, major, scripts, registry, version, project)
        if (!isRight && !isSkipped) process.exitCode = 1
        const mark = isRight ? 'works' : isSkipped ? '–' : '**fails**'
        console.log(`| ${manager.name} | ${scripts ? 'allowed' : 'blocked'} | ${major} | ${mark} | ${text} |`)
      }
} finally {
  registry.close()
  rmSync(folder, { recursive: true, force: true })
}
