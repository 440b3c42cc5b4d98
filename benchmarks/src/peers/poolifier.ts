import { fileURLToPath } from 'node:url'
import { DynamicClusterPool, DynamicThreadPool, FixedClusterPool, FixedThreadPool } from 'poolifier'
import type { Client, PeerOptions } from './peer.js'

const file = fileURLToPath(new URL('../workers/poolifier-worker.cjs', import.meta.url))

export function start(
  { task, workers, fromZero = false }: PeerOptions,
  { kind }: { kind: 'cluster' | 'thread' },
): Client {
  const pool = fromZero ? startDynamic(kind, workers) : startFixed(kind, workers)
  return { call: (...args) => pool.execute(args, task) }
}

function startDynamic(kind: 'cluster' | 'thread', workers: number): DynamicClusterPool | DynamicThreadPool {
  return kind === 'cluster' ? new DynamicClusterPool(0, workers, file) : new DynamicThreadPool(0, workers, file)
}

function startFixed(kind: 'cluster' | 'thread', workers: number): FixedClusterPool | FixedThreadPool {
  return kind === 'cluster' ? new FixedClusterPool(workers, file) : new FixedThreadPool(workers, file)
}
