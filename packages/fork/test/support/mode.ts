/** Whether forks are real ones in this run of the tests, or replays of the orders in fresh interpreters. */
export const isForking = process.env['ANYFORK_MODE'] !== 'exec'
