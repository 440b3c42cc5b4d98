/** A worker that a call may go to. */
export interface Candidate {
  readonly pid: number | undefined
  /** How many calls it has, waiting or running. */
  readonly load: number
  /** How many calls it was given so far. */
  readonly calls: number
  /** When it last became free: the higher, the later. */
  readonly lastFree: number
}

/**
 * Chooses which worker gets a call.
 *
 * @param workers - those that have room, at least one; one of them is to be returned
 * @param args - of the call
 */
export type Balancer = (workers: readonly Candidate[], args: readonly unknown[]) => Candidate

/** The one that has fewest calls; of those that have none, the one that was busy last, so that others may end. */
export const leastLoaded: Balancer = workers => {
  let best = workers[0]!
  for (const worker of workers)
    if (worker.load < best.load || (worker.load === best.load && worker.lastFree > best.lastFree)) best = worker
  return best
}
