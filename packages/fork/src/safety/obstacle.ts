import { preloadingFlags } from '../node-options.js'
import { lastingObstacle } from './lasting-obstacle.js'
import { describeForeignThreads, hasPreloadedThreads } from './threads.js'
import { startersOfWorkers } from './worker-threads.js'

/**
 * Describes for the owner what is in the way of a fork.
 *
 * @param error - the error with which the fork was rejected
 * @returns `undefined` where the system cannot fork at all
 */
export function obstacleOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_PENDING_REQUESTS') return 'requests that have not ended within 5 seconds'
  if (code === 'ERR_FORK_IMPOSSIBLE') return lastingObstacle()!.subject
  if (code !== 'ERR_FOREIGN_THREADS' || process.platform !== 'linux') return undefined
  const starters = startersOfWorkers()
  const loaders = hasPreloadedThreads() ? preloadingFlags(process.execArgv, process.env) : []
  const known = [...loaders.map(loaderThread), ...starters]
  return (known.length ? known : describeForeignThreads()).join(', ')
}

function loaderThread([flag, module = '']: [flag: string, module: string | undefined]): string {
  return `a thread of the loader ${flag} ${module.startsWith('data:') ? 'data:…' : module}`
}
