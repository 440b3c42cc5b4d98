import { spawnSync } from 'node:child_process'
import type { Subject } from './benchmark.js'

const known = new Map<string, boolean>()

/**
 * Reports whether a command succeeds. Runs it once, and prints the consequence if it fails.
 *
 * @param otherwise - what follows for the benchmarks if the command fails; identifies the command
 */
export function succeeds(command: string, args: readonly string[], otherwise: string): boolean {
  const before = known.get(otherwise)
  if (before !== undefined) return before
  const hasSucceeded = spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (!hasSucceeded) console.error(otherwise)
  known.set(otherwise, hasSucceeded)
  return hasSucceeded
}

type Program = NonNullable<Subject['needs']>

/** Returns the URL of a package, or just its name if it is not installed: npm leaves it out where it cannot compile its addon. */
function urlOf(name: string): string {
  try {
    return import.meta.resolve(name)
  } catch {
    return name
  }
}

const PROGRAMS: Record<Program, readonly [command: string, ...args: string[]]> = {
  cc: ['cc', '--version'],
  python3: ['python3', '-c', 'import multiprocessing.forkserver'],
  pm2: ['pm2-runtime', '--version'], // `pm2 --version` leaves a daemon running
  usocket: [process.execPath, '--input-type=module', '-e', `import ${JSON.stringify(urlOf('usocket'))}`],
}

/** Reports whether a program runs, or an addon loads. Prints once that its subjects are left out if it does not. */
export function hasProgram(name: Program): boolean {
  const [command, ...args] = PROGRAMS[name]
  return succeeds(command, args, `${name} is not installed, or does not run with this version of Node: left out`)
}
