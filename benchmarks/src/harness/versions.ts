import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Programs that are not packages of npm, with the arguments that print their versions. */
const PROGRAMS = {
  perl: ['-e', 'print substr $^V, 1'],
  'AnyEvent::Fork': ['-MAnyEvent::Fork', '-e', 'print AnyEvent::Fork->VERSION'],
  'AnyEvent::Fork::RPC': ['-MAnyEvent::Fork::RPC', '-e', 'print AnyEvent::Fork::RPC->VERSION'],
  'AnyEvent::FDpasser': ['-MAnyEvent::FDpasser', '-e', 'print AnyEvent::FDpasser->VERSION'],
  'IO::FDPass': ['-MIO::FDPass', '-e', 'print IO::FDPass->VERSION'],
  python3: ['--version'],
  cc: ['--version'],
} as const

/** Returns the version of each subject that is installed: the packages on which the benchmarks depend, and programs. */
export function versionsOfSubjects(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'))
  const packages = Object.keys(manifest.dependencies as object).map(name => [name, versionOfPackage(name)])
  const programs = Object.entries(PROGRAMS).map(([name, args]) => [name, versionOfProgram(name, args)])
  return Object.fromEntries([...packages, ...programs].filter(([, version]) => version !== undefined))
}

/** Looks for its package.json, which a package need not export. */
function versionOfPackage(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  const file = folders.map(folder => join(folder, name, 'package.json')).find(file => existsSync(file))
  return file && JSON.parse(readFileSync(file, 'utf8')).version
}

function versionOfProgram(name: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(/^[A-Z]/.test(name) ? 'perl' : name, args, { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n')[0]!.trim() : undefined
}
