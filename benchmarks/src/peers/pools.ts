import type { Contestant } from '../harness/benchmark.js'

/** Pools as their documentation shows them; the number of workers is all that is chosen. */
export const pools: readonly Contestant[] = [
  { way: '@anyfork/fork-pool', peer: 'fork-pool' },
  { way: 'piscina', peer: 'piscina' },
  { way: 'tinypool, worker_threads', peer: 'tinypool', variant: { runtime: 'worker_threads' } },
  { way: 'tinypool, child_process', peer: 'tinypool', variant: { runtime: 'child_process' } },
  { way: 'workerpool, thread', peer: 'workerpool', variant: { workerType: 'thread' } },
  { way: 'workerpool, process', peer: 'workerpool', variant: { workerType: 'process' } },
  { way: 'poolifier, thread', peer: 'poolifier', variant: { kind: 'thread' } },
  { way: 'poolifier, cluster', peer: 'poolifier', variant: { kind: 'cluster' } },
  { way: 'jest-worker, process', peer: 'jest-worker' },
  { way: 'worker-farm', peer: 'worker-farm' },
]

/** The same with a worker that has been forked ahead. */
export const spare: Contestant = { way: '@anyfork/fork-pool, spare 1', peer: 'fork-pool', variant: { spare: 1 } }

/** Whether its workers are on their way as soon as the pool is made, whatever it is told. */
export function isEager({ peer }: Contestant): boolean {
  return peer === 'jest-worker'
}

/** Whether its workers are threads. */
export function hasThreads({ peer, variant }: Contestant): boolean {
  return (
    peer === 'piscina' || Object.values(variant ?? {}).some(value => value === 'thread' || value === 'worker_threads')
  )
}

/** worker-farm gives a worker ten calls at a time; for work that blocks, its documentation says one. */
export function singleCalls(contestant: Contestant): Contestant {
  if (contestant.peer !== 'worker-farm') return contestant
  return { ...contestant, way: 'worker-farm, maxConcurrentCallsPerWorker 1', variant: { callsPerWorker: 1 } }
}
