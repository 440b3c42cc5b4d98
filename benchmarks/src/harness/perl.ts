import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { succeeds } from './optional-command.js'

/** Reports whether a Perl module is installed. Prints once that its subjects are left out if it is not. */
export function hasPerlModule(name: string): boolean {
  return succeeds('perl', [`-M${name}`, '-e', '1'], `the Perl module ${name} is not installed: left out`)
}

/**
 * Runs one of the programs in `perl/`, which does what the originals are measured by.
 *
 * @param settings - its arguments, by name
 * @returns what it prints, which is JSON
 */
export async function runPerl(program: string, settings: Record<string, string | number>): Promise<unknown> {
  const file = fileURLToPath(new URL(`../../perl/${program}`, import.meta.url))
  const { stdout } = await promisify(execFile)('perl', [file, ...Object.entries(settings).flat().map(String)], {
    maxBuffer: 1 << 28,
  })
  return JSON.parse(stdout)
}
