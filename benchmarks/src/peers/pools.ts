import type { Subject } from '../harness/benchmark.js'

/** The pools, used as their documentation shows. Only the number of workers is set. */
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

/** fork-pool with a process that it has forked in advance. */
export const forkPoolWithSpare: Subject = {
  name: '@anyfork/fork-pool, spare 1',
  peer: 'fork-pool',
  variant: { spare: 1 },
}

/** Reports whether a pool starts its workers when it is made, without an option to change this. */
export function isEager({ peer }: Subject): boolean {
  return peer === 'jest-worker'
}

/** Reports whether the workers of a subject are threads. */
export function usesThreads({ peer, variant }: Subject): boolean {
  return (
    peer === 'piscina' || Object.values(variant ?? {}).some(value => value === 'thread' || value === 'worker_threads')
  )
}

/**
 * Limits worker-farm to one call per worker, as its documentation recommends for calls that block. Its default is ten.
 * Returns other subjects unchanged.
 */
export function withOneCallPerWorker(subject: Subject): Subject {
  if (subject.peer !== 'worker-farm') return subject
  return { ...subject, name: 'worker-farm, maxConcurrentCallsPerWorker 1', variant: { callsPerWorker: 1 } }
}
