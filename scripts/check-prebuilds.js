// Checks that packages/*/prebuilds has an addon for each platform that the READMEs promise, that each is for the machine and
// the libc of its name, and that there is nothing else. A release runs this before it publishes.
//
//     node scripts/check-prebuilds.js        checks packages/*/prebuilds
//     node scripts/check-prebuilds.js FOLDER checks FOLDER/*/prebuilds
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const PACKAGES = ['fdpass', 'fork']
const ELF = 0x7f454c46
const MACH_O = 0xcffaedfe
/** By folder: the bytes that the file begins with, and the number of the machine at its place in the header. */
const PLATFORMS = {
  'linux-x64': { libcs: ['glibc', 'musl'], magic: ELF, machine: header => header.readUInt16LE(18) === 62 },
  'linux-arm64': { libcs: ['glibc', 'musl'], magic: ELF, machine: header => header.readUInt16LE(18) === 183 },
  'darwin-x64': { libcs: [], magic: MACH_O, machine: header => header.readUInt32LE(4) === 0x01000007 },
  'darwin-arm64': { libcs: [], magic: MACH_O, machine: header => header.readUInt32LE(4) === 0x0100000c },
}

/** Returns the names of the addons of a package for a platform, each with its libc. */
function filesOf(name, { libcs }) {
  return libcs.length ? libcs.map(libc => [`@anyfork+${name}.${libc}.node`, libc]) : [[`@anyfork+${name}.node`]]
}

/** Returns what is wrong with the addons of a package. */
function faultsOf(name, folder) {
  if (!existsSync(folder)) return [`${name} has no prebuilt addons`]
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
  const expected = Object.entries(PLATFORMS).flatMap(([platform, description]) =>
    filesOf(name, description).map(([file, libc]) => [join(platform, file), { ...description, libc }]),
  )
  const names = expected.map(([file]) => file)
  return [
    ...names.filter(file => !found.includes(file)).map(file => `${name} lacks ${file}`),
    ...found.filter(file => !names.includes(file)).map(file => `${name} has ${file}, which is not expected`),
    ...expected
      .filter(([file, description]) => found.includes(file) && !isFor(join(folder, file), description))
      .map(([file]) => `${file} is for another machine or libc`),
  ]
}

/** An addon for glibc names the library `libc.so.6`; one for musl does not. */
function isFor(file, { magic, machine, libc }) {
  const content = readFileSync(file)
  if (content.readUInt32BE(0) !== magic || !machine(content)) return false
  return libc === undefined || content.includes('libc.so.6\0') === (libc === 'glibc')
}

const top = resolve(process.argv[2] ?? join(import.meta.dirname, '../packages'))
const faults = PACKAGES.flatMap(name => faultsOf(name, join(top, name, 'prebuilds')))
for (const fault of faults) console.error(fault)
if (faults.length) process.exitCode = 1
else console.log('All prebuilt addons are there, each for its machine and libc.')
