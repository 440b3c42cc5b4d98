import { spawnSync } from 'node:child_process'

/**
 * Checks that taskset(1) can pin processes to a processor.
 *
 * @param cpu - the number of the processor, from 0
 * @throws Error if taskset is not installed, or if this program may not use that processor
 */
export function assertCanPin(cpu: number): void {
  const { error, status, stderr } = spawnSync('taskset', ['-c', `${cpu}`, 'true'], { encoding: 'utf8' })
  if (error) throw new Error('--pin needs taskset, of the package util-linux, which is not installed', { cause: error })
  if (status !== 0) throw new Error(`taskset cannot pin to processor ${cpu}: ${stderr.trim()}`)
}
