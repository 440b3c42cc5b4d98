import { ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import { type ConnectionOptions, type Job, Worker, type WorkerOptions } from 'bullmq'
import type { forkedWork } from './forked-work.js'
import { reportError } from './redis.js'
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
  /** How long Redis may take to answer once the consumer ends and no job runs, in milliseconds. */
  closeMs?: number
  /** Options of BullMQ, such as `lockDuration`. */
  bullmq?: Partial<WorkerOptions>
  /** Options of the pool, such as `memory`. */
  pool?: PoolOptions
}

/** What `startConsumer` returns. */
export interface Consumer {
  /** Resolves when the consumer is connected to Redis. */
  ready(): Promise<void>
  /**
   * Ends the consumer after the jobs that it has begun.
   *
   * @throws Error if Redis does not answer for `closeMs`. BullMQ goes on trying to connect: exit the process
   */
  close(): Promise<void>
}

/**
 * Takes jobs from a queue, and runs them in a pool of forked workers. BullMQ keeps the jobs, repeats those that fail, and
 * gives the jobs of a consumer that is gone to another one. The pool runs them.
 */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { queue, connection, workers, module = defaultModule, timeoutMs = 60_000, closeMs = 5000 } = options
  const call = pool<typeof forkedWork>(() => ForkProcess.exec(), module, 'forkedWork', {
    max: workers,
    timeout: timeoutMs,
    ...options.pool,
  })

  let running = 0
  let giveUp: NodeJS.Timeout | undefined
  const process = async (job: Job<WorkData, string>, _token?: string, signal?: AbortSignal): Promise<string> => {
    let reported: Promise<unknown> = Promise.resolve()
    const onEvent = (progress: unknown): void => {
      reported = reported.then(() => job.updateProgress(progress as Progress))
      reported.catch(() => {}) // awaited below
    }
    running++
    let result: string
    try {
      result = await call.with({ onEvent, ...(signal && { signal }) })(job.data, job.attemptsMade)
    } finally {
      running--
      giveUp?.refresh()
    }
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
  worker.on('error', reportError)
  worker.on('failed', (job, error) =>
    console.error(`job ${job?.id} has failed at attempt ${job?.attemptsMade}: ${error.message}`),
  )
  return {
    async ready() {
      await worker.waitUntilReady()
    },
    async close() {
      const silence = new Promise<never>((_resolve, reject) => {
        const onTimeout = (): void => {
          if (!running) reject(new Error('Redis does not answer: it may not know which jobs are completed'))
        }
        giveUp = setTimeout(onTimeout, closeMs)
      })
      try {
        await Promise.race([worker.close(), silence])
      } finally {
        clearTimeout(giveUp)
        await call.close()
      }
    },
  }
}
