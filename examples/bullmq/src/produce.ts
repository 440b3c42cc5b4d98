import { Queue, QueueEvents } from 'bullmq'
import { QUEUE, redisOptions, reportError } from './redis.js'

const count = Number(process.argv[2] ?? 100)
const queue = new Queue(QUEUE, { connection: redisOptions() })
const events = new QueueEvents(QUEUE, { connection: redisOptions() })
queue.on('error', reportError)
events.on('error', () => {}) // it has the same reasons
await events.waitUntilReady()

const jobs = Array.from({ length: count }, (_, index) => ({
  name: 'hash',
  data: { seed: `seed ${index}`, rounds: 1000 },
  opts: { jobId: `${process.pid}-${index}`, attempts: 3, backoff: { type: 'exponential', delay: 100 } },
}))
const waiting = new Set(jobs.map(job => job.opts.jobId))
const done = new Promise<void>(resolve => {
  const end = (id: string): void => {
    if (waiting.delete(id) && !waiting.size) resolve()
  }
  events.on('completed', ({ jobId }) => end(jobId))
  events.on('failed', ({ jobId, failedReason }) => {
    console.error(`job ${jobId} has failed: ${failedReason}`)
    end(jobId)
  })
})
const startedAt = performance.now()
await queue.addBulk(jobs)
await done
console.log(`${count} ${count === 1 ? 'job' : 'jobs'}, ${((performance.now() - startedAt) / 1000).toFixed(1)} seconds`)
await Promise.all([queue.close(), events.close()])
