/** True if this run of the tests makes real forks, false if it replays the orders in fresh interpreters. */
export const isForking = process.env['ANYFORK_MODE'] !== 'exec'
