import { fileURLToPath } from 'node:url'
import { type JestWorkerFarm, Worker } from 'jest-worker'
import type { Client, PeerOptions } from './peer.js'

const worker = fileURLToPath(new URL('../workers/tasks.js', import.meta.url))

/** Ignores `fromZero`: jest-worker starts all its workers when it is made. */
export function start({ task, workers }: PeerOptions): Client {
  const farm = new Worker(worker, { numWorkers: workers, exposedMethods: [task] }) as JestWorkerFarm<
    Record<string, (...args: unknown[]) => unknown>
  >
  return { call: (...args) => farm[task]!(...args) }
}
