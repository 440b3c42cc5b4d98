/** What a worker sends as an event, alone, when it wants to retire. */
export const RETIRE = '\0anyfork.fork-pool.retire'
