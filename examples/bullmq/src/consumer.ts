import { ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import { type ConnectionOptions, type Job, Worker, type WorkerOptions } from 'bullmq'
import type { forkedWork } from './forked-work.js'
import type { Progress, WorkData } from './work.js'

const defaultModule = new URL('./forked-work.js', import.meta.url)

/** Options of `startConsumer`. */
export interface ConsumerOptions {
  /** The name of the queue. */
  queue: string
  connection: ConnectionOptions
  /** The module of `forkedWork`, which workers run. */
  module?: URL
  /** How many jobs run at a time, each in a forked worker. */
  workers: number
  /** How long a job may run, in milliseconds. */
  timeoutMs?: number
  /** Options of BullMQ, such as `lockDuration`. */
  bullmq?: Partial<WorkerOptions>
  /** Options of the pool, such as `memory`. */
  pool?: PoolOptions
}

/**
 * Takes jobs from a queue, and runs them in a pool of forked workers. BullMQ keeps the jobs, repeats those that fail, and
 * gives the jobs of a consumer that is gone to another one. The pool runs them.
 *
 * @returns what ends the consumer after the jobs that it has begun
 */
export function startConsumer(options: ConsumerOptions): { close: () => Promise<void> } {
  const { queue, connection, workers, module = defaultModule, timeoutMs = 60_000 } = options
  const call = pool<typeof forkedWork>(() => ForkProcess.exec(), module, 'forkedWork', {
    max: workers,
    timeout: timeoutMs,
    ...options.pool,
  })

  const process = async (job: Job<WorkData, string>, _token?: string, signal?: AbortSignal): Promise<string> => {
    let reported: Promise<unknown> = Promise.resolve()
    const onEvent = (progress: unknown): void => {
      reported = reported.then(() => job.updateProgress(progress as Progress))
      reported.catch(() => {}) // awaited below
    }
    const result = await call.with({ onEvent, ...(signal && { signal }) })(job.data, job.attemptsMade)
    await reported // Redis has the progress before the result
    return result
  }

  const worker = new Worker<WorkData, string>(queue, process, {
    connection,
    concurrency: workers,
    ...options.bullmq,
  })
  // Another consumer gets a job whose lock is lost: end it here. BullMQ would not accept its result.
  worker.on('lockRenewalFailed', ids => {
    for (const id of ids) worker.cancelJob(id)
  })
  worker.on('error', error => console.error(`${error.name}: ${error.message}`))
  return {
    async close() {
      await worker.close()
      await call.close()
    },
  }
}
