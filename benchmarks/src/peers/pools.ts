import type { Subject } from '../harness/benchmark.js'

/** Pools as their documentation shows them; the number of workers is all that is chosen. */
export const pools: readonly Subject[] = [
  { name: '@anyfork/fork-pool', peer: 'fork-pool' },
  { name: 'piscina', peer: 'piscina' },
  { name: 'tinypool, worker_threads', peer: 'tinypool', variant: { runtime: 'worker_threads' } },
  { name: 'tinypool, child_process', peer: 'tinypool', variant: { runtime: 'child_process' } },
  { name: 'workerpool, thread', peer: 'workerpool', variant: { workerType: 'thread' } },
  { name: 'workerpool, process', peer: 'workerpool', variant: { workerType: 'process' } },
  { name: 'poolifier, thread', peer: 'poolifier', variant: { kind: 'thread' } },
  { name: 'poolifier, cluster', peer: 'poolifier', variant: { kind: 'cluster' } },
  { name: 'jest-worker, process', peer: 'jest-worker' },
  { name: 'worker-farm', peer: 'worker-farm' },
]

/** The same with a worker that has been forked ahead. */
export const forkPoolWithSpare: Subject = {
  name: '@anyfork/fork-pool, spare 1',
  peer: 'fork-pool',
  variant: { spare: 1 },
}

/** Whether its workers are on their way as soon as the pool is made, whatever it is told. */
export function isEager({ peer }: Subject): boolean {
  return peer === 'jest-worker'
}

/** Whether its workers are threads. */
export function usesThreads({ peer, variant }: Subject): boolean {
  return (
    peer === 'piscina' || Object.values(variant ?? {}).some(value => value === 'thread' || value === 'worker_threads')
  )
}

/** worker-farm gives a worker ten calls at a time; for work that blocks, its documentation says one. */
export function withOneCallPerWorker(subject: Subject): Subject {
  if (subject.peer !== 'worker-farm') return subject
  return { ...subject, name: 'worker-farm, maxConcurrentCallsPerWorker 1', variant: { callsPerWorker: 1 } }
}
