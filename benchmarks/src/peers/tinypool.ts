import { Tinypool } from 'tinypool'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/single-argument-tasks.js', import.meta.url)

interface Variant {
  runtime: 'worker_threads' | 'child_process'
  concurrentTasksPerWorker?: number
  isolateWorkers?: boolean
}

export function start(
  { task, workers, fromZero = false }: PeerOptions,
  { runtime, concurrentTasksPerWorker = 1, isolateWorkers = false }: Variant,
): Client {
  const pool = new Tinypool({
    filename: worker.href,
    name: task,
    runtime,
    minThreads: fromZero ? 0 : workers,
    maxThreads: workers,
    idleTimeout: 60_000,
    concurrentTasksPerWorker,
    isolateWorkers,
    env: process.env as Record<string, string>, // without it, tinypool's processes have an empty environment
  })
  return { call: (...args) => pool.run(args) }
}
