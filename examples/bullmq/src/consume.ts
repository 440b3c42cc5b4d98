import { parseArgs } from 'node:util'
import { ncpu } from '@anyfork/fork-pool'
import { startConsumer } from './consumer.js'
import { QUEUE, redisOptions } from './redis.js'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: `${ncpu()}` },
    lock: { type: 'string', default: '30000' }, // milliseconds
  },
})
const lockDuration = Number(values.lock)
const consumer = startConsumer({
  queue: QUEUE,
  connection: redisOptions(),
  workers: Number(values.workers),
  // Other consumers get the jobs of one that is gone this much later. One may die at each of a job's attempts.
  bullmq: { lockDuration, stalledInterval: lockDuration, maxStalledCount: 10 },
})
console.log(`process ${process.pid} consumes the queue ${QUEUE}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void consumer.close())
