import { Piscina } from 'piscina'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/single-argument-tasks.js', import.meta.url)

export function start(
  { task, workers, fromZero = false }: PeerOptions,
  { concurrentTasksPerWorker = 1 }: { concurrentTasksPerWorker?: number },
): Client {
  const pool = new Piscina({
    filename: worker.href,
    name: task,
    minThreads: fromZero ? 0 : workers,
    maxThreads: workers,
    idleTimeout: 60_000,
    concurrentTasksPerWorker,
  })
  return { call: (...args) => pool.run(args) }
}
