import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { loadFunction } from '@anyfork/fork/internal/child'

/** A function, as the owner names it to another process. */
export interface FunctionInProcess {
  module: string
  name: string
  /** The folder from which the module is looked up. */
  folder: string | undefined
}

/**
 * Calls a function, and writes what this process prints from now on to the files `stdout` and `stderr`. For workers that
 * run one call at a time: the output of a call that has ended belongs to the next one.
 *
 * @param output - the folder of the files
 * @returns the result of the function
 * @throws what the function throws, the error of `loadFunction`, or the kernel's error if a file cannot be opened
 */
export async function callAndKeepOutput(
  { module, name, folder }: FunctionInProcess,
  output: string,
  value: unknown,
): Promise<unknown> {
  redirect(1, join(output, 'stdout'))
  redirect(2, join(output, 'stderr'))
  const called = await loadFunction(module, name, folder)
  return called(value)
}

/** Opens a file under the number of an open descriptor: open(2) chooses the lowest free number. */
function redirect(fd: number, file: string): void {
  closeSync(openSync(file, 'w')) // fails while the descriptor is still open
  closeSync(fd)
  const opened = openSync(file, 'w')
  if (opened !== fd) throw new Error(`the output cannot be kept: descriptor ${opened} was free before descriptor ${fd}`)
}
