// Builds the addons for the machine that runs this: those for macOS are made so, on a Mac of each kind. Then checks that each
// is for this machine.
//
//     node scripts/prebuild-native.js            builds into packages/*/prebuilds, from where npm publishes them
//     node scripts/prebuild-native.js --into DIR builds into DIR/*/prebuilds
//
// prebuildify has traps: `--arch` changes only the name of the folder, the name of the libc is not that of the compiler, and the
// addon in build/Release is moved. So this builds only for the machine itself, and builds again what was moved.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const PACKAGES = ['fdpass', 'fork']
/** What file(1) says of an addon. */
const MACHINES = {
  'linux-x64': /ELF 64-bit .*x86-64/,
  'linux-arm64': /ELF 64-bit .*aarch64/i,
  'darwin-x64': /Mach-O 64-bit .*x86_64/,
  'darwin-arm64': /Mach-O 64-bit .*arm64/,
}
const top = resolve(import.meta.dirname, '..')
const platform = `${process.platform}-${process.arch}`

/** Builds the addon of a package. Returns its path. */
function build(name, into) {
  const cwd = join(top, 'packages', name)
  const out = join(into, name)
  mkdirSync(out, { recursive: true })
  const hadBuild = existsSync(join(cwd, 'build/Release'))
  const tags = process.platform === 'linux' ? ['--tag-libc'] : []
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('PREBUILD_')))
  try {
    run('prebuildify', ['--napi', '--target', '20.19.0', '--strip', ...tags, '--out', out], { cwd, env })
  } finally {
    if (hadBuild) run('node-gyp', ['rebuild'], { cwd, env })
  }
  const folder = join(out, 'prebuilds', platform)
  const [file] = readdirSync(folder).filter(file => file.endsWith('.node'))
  return join(folder, file)
}

function run(command, args, options) {
  execFileSync(join(top, 'node_modules/.bin', command), args, { ...options, stdio: 'inherit' })
}

/** Fails unless the file is for this machine. */
function check(file) {
  const text = execFileSync('file', ['--brief', file], { encoding: 'utf8' }).trim()
  if (!MACHINES[platform]?.test(text)) throw new Error(`${file} is not for ${platform}: ${text}`)
  console.log(`${file}: ${text}`)
}

const [flag, folder] = process.argv.slice(2)
if (flag !== undefined && (flag !== '--into' || !folder)) throw new Error('use: prebuild-native.js [--into DIR]')
const into = folder ? resolve(folder) : join(top, 'packages')
for (const name of PACKAGES) check(build(name, into))
