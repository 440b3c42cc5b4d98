import { checkArgument, type Expectation, oneOf } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

/**
 * Which threads forks have. `'one'`: the main thread. The process is started with flags for that, forks are cheapest,
 * and code that starts threads is in their way. `'all'`: all threads of the process, which go on in the fork. V8 runs at
 * full speed, and forks can have worker threads. Linux with glibc on x86-64 and arm64; elsewhere, forks have one.
 */
export type CopiedThreads = 'one' | 'all'

export const areCopiedThreads: Expectation = oneOf('one', 'all')

/**
 * Returns what was asked for, else the value of the environment variable `ANYFORK_THREADS`, else `'one'`.
 *
 * @throws TypeError if the environment variable is invalid
 */
export function resolveThreads(asked: CopiedThreads | undefined): CopiedThreads {
  if (asked !== undefined) return asked
  const threads = process.env['ANYFORK_THREADS'] || 'one'
  checkArgument('the environment variable ANYFORK_THREADS', threads, areCopiedThreads)
  return threads as CopiedThreads
}

const SEPARATOR = ':'

/** Which threads the forks of this process have, and why they do not have all, if that was asked for. */
export interface ThreadChoice {
  threads: CopiedThreads
  reason?: string
}

/** Chooses for a process that is yet to be started, on the same system. */
export function chooseThreads(asked: CopiedThreads): ThreadChoice {
  const reason = asked === 'one' ? undefined : binding.obstacleToThreads()
  return reason === undefined ? { threads: asked } : { threads: 'one', reason }
}

/** Writes a choice as an argument of a process, which `setThreads` reads there. */
export function threadsArgument({ threads, reason }: ThreadChoice): string {
  return reason === undefined ? threads : `${threads}${SEPARATOR}${reason}`
}

/** Reads what `threadsArgument` has written. */
export function parseThreads(argument: string): ThreadChoice {
  const [threads, ...rest] = argument.split(SEPARATOR) as [CopiedThreads, ...string[]]
  return rest.length ? { threads, reason: rest.join(SEPARATOR) } : { threads }
}
