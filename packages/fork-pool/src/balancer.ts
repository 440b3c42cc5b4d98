/** A worker with a free slot. */
export interface Candidate {
  /** The worker's process id. */
  readonly pid: number | undefined
  /** How many calls the worker has now, including those that wait inside it. */
  readonly load: number
  /** How many calls the worker has been given so far. */
  readonly calls: number
  /** When the worker last ended a call, in milliseconds of `performance.now()`; 0 before its first. */
  readonly lastFree: number
}

/**
 * Chooses the worker that runs a call.
 *
 * @param workers - the workers with a free slot, at least one; valid only during the call
 * @param args - the arguments of the call; the caller may have changed objects among them since the call
 * @returns one of `workers`; if it returns anything else, the call rejects with a TypeError
 * @throws any error; the call rejects with it
 */
export type Balancer = (workers: readonly Candidate[], args: readonly unknown[]) => Candidate

/** Chooses the worker with the fewest calls; among equals, the one that was busy last, so that the others can end. */
export const leastLoaded: Balancer = workers => {
  let best = workers[0]!
  for (const worker of workers)
    if (worker.load < best.load || (worker.load === best.load && worker.lastFree > best.lastFree)) best = worker
  return best
}
