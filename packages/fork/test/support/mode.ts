import { canCopyAllThreads } from '@anyfork/fork/internal'

/** True if this run of the tests makes real forks, false if it replays the orders in fresh interpreters. */
export const isForking = process.env['ANYFORK_MODE'] !== 'exec'

/**
 * True if the processes in this run of the tests have all threads of their templates (`ANYFORK_THREADS=all`). Tests of what
 * forks with one thread cannot do skip themselves.
 */
export const areAllThreadsCopied = process.env['ANYFORK_THREADS'] === 'all' && canCopyAllThreads()

/** Skips the tests of forks with all threads where the system does not allow them, such as with musl. For `before`. */
export function needAllThreads(this: Mocha.Context): void {
  if (!canCopyAllThreads()) this.skip()
}
