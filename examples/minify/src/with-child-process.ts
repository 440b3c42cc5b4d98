import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { memoryOf } from '@anyfork/fork-pool'
import type { WorkerMessage } from './child-process-worker.js'
import type { Outcome } from './outcome.js'

const worker = new URL('./child-process-worker.js', import.meta.url)

/**
 * Minifies all files with workers that `child_process.fork` starts, for comparison. Each worker gets one file at a time.
 *
 * @param workers - the number of workers
 */
export async function withChildProcess(files: readonly string[], workers: number): Promise<Outcome> {
  const started = performance.now()
  const outcome: Outcome = {
    files: files.length,
    failed: 0,
    bytesIn: 0,
    bytesOut: 0,
    seconds: 0,
    started: 0,
    workers: [],
  }
  const remaining = files.values() // shared by all workers
  await Promise.all(Array.from({ length: Math.min(workers, files.length) }, () => runWorker(remaining, outcome)))
  outcome.seconds = (performance.now() - started) / 1000
  return outcome
}

/** Starts a worker, and feeds it files until none are left. */
async function runWorker(files: Iterator<string>, outcome: Outcome): Promise<void> {
  const forkedAt = performance.now()
  const child = fork(worker)
  outcome.started++
  await once(child, 'message') // ready
  const startMilliseconds = performance.now() - forkedAt
  for (let next = files.next(); !next.done; next = files.next()) {
    const message = await send(child, next.value)
    if ('error' in message) {
      outcome.failed++
      console.error(`${next.value}: ${message.error}`)
    } else {
      outcome.bytesIn += message.bytesIn
      outcome.bytesOut += message.bytesOut
    }
  }
  const { uss, pss } = await memoryOf(child.pid!)
  outcome.workers.push({ startMilliseconds, ussBytes: uss, pssBytes: pss })
  child.disconnect()
  await once(child, 'exit')
}

async function send(child: ChildProcess, file: string): Promise<WorkerMessage> {
  const responded = once(child, 'message')
  child.send(file)
  return ((await responded) as [WorkerMessage])[0]
}
