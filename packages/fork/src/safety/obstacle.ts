import { preloadingFlags } from '../node-options.js'
import { reasonOfRefusal } from './all-threads.js'
import { lastingObstacle } from './lasting-obstacle.js'
import { describeForeignThreads, hasPreloadedThreads } from './threads.js'
import { startersOfWorkers } from './worker-threads.js'

/**
 * Describes for the owner what is in the way of a fork.
 *
 * @param error - the error with which the fork was rejected
 * @returns `undefined` if the system does not implement forks
 */
export function obstacleOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_CANNOT_COPY') return `all threads cannot be copied: ${reasonOfRefusal(error)}`
  if (code === 'ERR_PENDING_REQUESTS') return 'requests that have not ended within 5 seconds'
  if (code === 'ERR_FORK_IMPOSSIBLE') return lastingObstacle()!.subject
  if (code !== 'ERR_FOREIGN_THREADS') return undefined
  const starters = startersOfWorkers()
  const known = [...(hasPreloadedThreads() ? loaderThreads() : []), ...starters]
  return (known.length ? known : describeForeignThreads()).join(', ')
}

/** Describes the threads of the modules that this process was told to preload. */
export function loaderThreads(): string[] {
  return preloadingFlags(process.execArgv, process.env).map(loaderThread)
}

function loaderThread([flag, module = '']: [flag: string, module: string | undefined]): string {
  return `a thread of the loader ${flag} ${module.startsWith('data:') ? 'data:…' : module}`
}
