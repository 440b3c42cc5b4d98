import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { parseThreads, type ThreadChoice } from '../copied-threads.js'
import { ForkError } from '../errors.js'

let chosen: ThreadChoice = { threads: 'one' }

/** Sets for this process and its forks what `threadsArgument` has written. */
export function setThreads(argument: string): void {
  chosen = parseThreads(argument)
}

export function getThreads(): Readonly<ThreadChoice> {
  return chosen
}

/** Returns whether forks of this process have all its threads. */
export function areAllThreadsCopied(): boolean {
  return chosen.threads === 'all'
}

/** Returns why a fork with all threads would fail now. */
export function refusalOfFork(): string | undefined {
  const result = binding.rehearseFork()
  return result < 0 ? refusalOf(result).message : undefined
}

/** Returns the error for a negative result of a fork with all threads. */
export function refusalOf(result: number): Error {
  const error = systemError(result, 'fork')
  if (error.code !== 'EBUSY' && error.code !== 'ENOTSUP') return error
  return new ForkError('ERR_CANNOT_COPY', `the process cannot be copied with all threads: ${binding.forkRefusal()}`)
}
