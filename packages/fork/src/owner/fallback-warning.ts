import { canCopyAllThreads } from '../copied-threads.js'

/** The code of the warning that processes are not forked. */
const FALLBACK = 'ANYFORK_FALLBACK'
/** How many causes are remembered, and so at most reported. */
const MOST_CAUSES = 100

const reported = new Set<string>()

/**
 * Warns that processes are started as fresh interpreters, because a template cannot be forked. Warns once for each
 * obstacle.
 *
 * @param obstacle - what was in the way, as the template reports it
 */
export function warnOfFallback(obstacle: string): void {
  if (reported.has(obstacle) || reported.size >= MOST_CAUSES) return
  reported.add(obstacle)
  process.emitWarning(
    `processes are started as fresh interpreters, which takes longer and shares no memory; in the way of a fork: ${obstacle}`,
    { type: 'AnyforkWarning', code: FALLBACK, detail: remedyFor(obstacle) },
  )
}

function remedyFor(obstacle: string): string {
  const silence = "To keep fresh interpreters without this warning, set the option mode: 'exec' or ANYFORK_MODE=exec."
  if (obstacle.includes(' of the loader '))
    return `To have forks, start templates without the loader, by the option execArgv.${orCopyThreads()} ${silence}`
  if (obstacle.startsWith('all threads'))
    return `To have forks, let that thread wait, or close what is in the way, before the fork. ${silence}`
  if (obstacle.startsWith('frozen'))
    return `To have forks, start templates without --frozen-intrinsics, by the option execArgv. ${silence}`
  if (obstacle.startsWith('/proc')) return `To have forks, mount /proc in the pid namespace of the program. ${silence}`
  if (obstacle.startsWith('a filter'))
    return `To have forks, allow the system call, for example in the seccomp profile of the container. ${silence}`
  if (obstacle.startsWith('no permission'))
    return `To have forks, start the program with --allow-fs-read=/proc. ${silence}`
  if (obstacle.startsWith('requests'))
    return `To have forks, await the requests before the fork, or start them in the function that runs. ${silence}`
  return `To have forks, load what starts the thread only in processes that are not forked again, and start no worker thread in forked processes.${orCopyThreads()} ${silence}`
}

function orCopyThreads(): string {
  return canCopyAllThreads() ? " Or set the option threads: 'all', with which forks have all threads." : ''
}
