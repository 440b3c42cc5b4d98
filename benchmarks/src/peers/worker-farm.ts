import { fileURLToPath } from 'node:url'
import farm from 'worker-farm'
import type { Client, PeerOptions } from './peer.js'

const worker = fileURLToPath(new URL('../workers/callback-tasks.js', import.meta.url))

/** @param variant - `callsPerWorker`: how many calls a worker gets at a time; 10 is the default of worker-farm */
export function start(
  { task, workers, fromZero = false }: PeerOptions,
  { callsPerWorker = 10 }: { callsPerWorker?: number },
): Client {
  const options = { maxConcurrentWorkers: workers, maxConcurrentCallsPerWorker: callsPerWorker, autoStart: !fromZero }
  const functions = farm(options, worker, [task]) as unknown as Record<string, (...args: unknown[]) => void>
  const call = functions[task]!
  return {
    call: (...args) =>
      new Promise((resolve, reject) =>
        call(...args, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result))),
      ),
  }
}
