/** The event with which a worker asks to retire. */
export const RETIRE = '\0anyfork.fork-pool.retire'
