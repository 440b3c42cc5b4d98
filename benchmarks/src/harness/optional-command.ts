import { spawnSync } from 'node:child_process'

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
