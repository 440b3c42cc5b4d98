import { splitNodeOptions } from '../node-options.js'
import { describeForeignThreads, hasPreloadedThreads } from './threads.js'
import { startersOfWorkers } from './worker-threads.js'

/** The flags that make an interpreter load a module before the program. */
const PRELOADING = /^(--import|--require|-r|--loader|--experimental-loader)(?:=(.*))?$/s

/**
 * Describes for the owner what is in the way of a fork.
 *
 * @param error - the error with which the fork was rejected
 * @returns `undefined` where the system cannot fork at all
 */
export function obstacleOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_PENDING_REQUESTS') return 'requests that have not ended within 5 seconds'
  if (code !== 'ERR_FOREIGN_THREADS' || process.platform !== 'linux') return undefined
  const starters = startersOfWorkers()
  const loaders = hasPreloadedThreads() ? preloadingFlags() : []
  const known = [...loaders.map(flag => `a thread of the loader ${flag}`), ...starters]
  return (known.length ? known : describeForeignThreads()).join(', ')
}

/** Returns the flags, each with the name of its module, with which this interpreter preloads modules. */
function preloadingFlags(): string[] {
  const words = [...splitNodeOptions(process.env['NODE_OPTIONS'] ?? ''), ...process.execArgv]
  return words.flatMap((word, i) => {
    const [, flag, value = words[i + 1] ?? ''] = PRELOADING.exec(word) ?? []
    return flag === undefined ? [] : [`${flag} ${value.startsWith('data:') ? 'data:…' : value}`]
  })
}
