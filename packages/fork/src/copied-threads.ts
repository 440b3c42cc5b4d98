import { checkArgument, type Expectation, oneOf } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'
import { hasLoader } from './node-options.js'

/**
 * Which threads forks have. `'one'`: the main thread. The process is started with flags for that, forks are cheapest,
 * and threads that code starts prevent forks. `'all'`: all threads of the process, which go on in the fork. V8 runs at
 * full speed, and forks can have worker threads. Linux with glibc on x86-64 and arm64; elsewhere, forks have one.
 *
 * The default is the environment variable `ANYFORK_THREADS`, else `'one'`. An interpreter that is started with a loader
 * (`--import`, `--loader`), which usually has a thread, copies all threads where that is possible.
 */
export type CopiedThreads = 'one' | 'all'

export const areCopiedThreads: Expectation = oneOf('one', 'all')

/**
 * Returns the value of the option or, without it, of the environment variable `ANYFORK_THREADS`.
 *
 * @returns `undefined` if neither is set
 * @throws TypeError if the environment variable is invalid
 */
export function resolveThreads(asked: CopiedThreads | undefined): CopiedThreads | undefined {
  const threads = asked ?? process.env['ANYFORK_THREADS']
  if (!threads) return undefined
  if (asked === undefined) checkArgument('the environment variable ANYFORK_THREADS', threads, areCopiedThreads)
  return threads as CopiedThreads
}

const SEPARATOR = ':'

/** Which threads the forks of this process have. `reason` says why not all, if all were requested. */
export interface ThreadChoice {
  threads: CopiedThreads
  reason?: string
}

/**
 * Chooses which threads the forks of a process on this system have.
 *
 * @param execArgv - the flags of its interpreter
 * @param env - its environment
 * @throws TypeError if `ANYFORK_THREADS` is invalid
 */
export function chooseThreads(
  asked: CopiedThreads | undefined,
  execArgv: readonly string[],
  env: NodeJS.ProcessEnv,
): ThreadChoice {
  const threads = resolveThreads(asked)
  if (threads === undefined) return { threads: hasLoader(execArgv, env) && canCopyAllThreads() ? 'all' : 'one' }
  const reason = threads === 'one' ? undefined : binding.obstacleToThreads()
  return reason === undefined ? { threads } : { threads: 'one', reason }
}

/** Returns whether this system allows forks with all threads. */
export function canCopyAllThreads(): boolean {
  return binding.obstacleToThreads() === undefined
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
