import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import type { Client, PeerOptions } from './peer.js'

const worker = fileURLToPath(new URL('../workers/workerpool-worker.js', import.meta.url))

export function start(
  { task, workers, fromZero = false }: PeerOptions,
  { workerType }: { workerType: 'thread' | 'process' },
): Client {
  const pool = workerpool.pool(worker, { workerType, minWorkers: fromZero ? 0 : workers, maxWorkers: workers })
  return { call: (...args) => pool.exec(task, args) as unknown as Promise<unknown> }
}
