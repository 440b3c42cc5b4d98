/** True if this run of the tests makes real forks, false if it replays the orders in fresh interpreters. */
export const isForking = process.env['ANYFORK_MODE'] !== 'exec'

/**
 * True if the processes in this run of the tests have all threads of their templates (`ANYFORK_THREADS=all`). Tests of what
 * forks with one thread cannot do skip themselves.
 */
export const areAllThreadsCopied = process.env['ANYFORK_THREADS'] === 'all'
