import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { succeeds } from './optional-command.js'

const MAX_OUTPUT_BYTES = 1 << 28

/** Reports whether a Perl module is installed. Prints once that its subjects are left out if it is not. */
export function hasPerlModule(name: string): boolean {
  return succeeds('perl', [`-M${name}`, '-e', '1'], `the Perl module ${name} is not installed: left out`)
}

/**
 * Runs a program of the folder `perl/`, which measures one of the original Perl modules.
 *
 * @param settings - the program's arguments, by name
 * @returns the parsed JSON that the program prints
 */
export async function runPerl(program: string, settings: Record<string, string | number>): Promise<unknown> {
  const file = fileURLToPath(new URL(`../../perl/${program}`, import.meta.url))
  const { stdout } = await promisify(execFile)('perl', [file, ...Object.entries(settings).flat().map(String)], {
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  return JSON.parse(stdout)
}
