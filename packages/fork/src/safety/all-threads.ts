import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { parseThreads, type ThreadChoice } from '../copied-threads.js'
import { ForkError } from '../errors.js'

const PREFIX = 'the process cannot be copied with all threads: '

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
  try {
    assertInspectorClosed()
  } catch (error) {
    return (error as Error).message
  }
  const result = binding.rehearseFork()
  return result < 0 ? refusalOf(result).message : undefined
}

/** Returns whether a debugger can connect to this process. A copy would share the port. */
export function isInspectorOpen(): boolean {
  return process.getBuiltinModule('node:inspector')?.url() !== undefined
}

/** @throws `ERR_CANNOT_COPY` */
export function assertInspectorClosed(): void {
  if (isInspectorOpen()) throw cannotCopy('its inspector is open, and a copy would share the port')
}

/** Returns what was in the way of a copy if the error is `ERR_CANNOT_COPY`. */
export function reasonOfRefusal(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_CANNOT_COPY' ? message.slice(PREFIX.length) : undefined
}

/** Returns the error for a negative result of a fork with all threads. */
export function refusalOf(result: number): Error {
  const error = systemError(result, 'fork')
  if (error.code !== 'EBUSY' && error.code !== 'ENOTSUP') return error
  return cannotCopy(binding.forkRefusal())
}

function cannotCopy(reason: string): ForkError {
  return new ForkError('ERR_CANNOT_COPY', `${PREFIX}${reason}`)
}
