import { parseArgs } from 'node:util'
import { ncpu } from '@anyfork/fork-pool'
import { startConsumer } from './consumer.js'
import { QUEUE, redisOptions, reportError } from './redis.js'

/** npm may forward a signal that the terminal has sent as well, within so many milliseconds. */
const REPEATED_MS = 500

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
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
let first: { signal: string; at: number } | undefined
consumer.ready().then(
  () => console.log(`process ${process.pid} consumes the queue ${QUEUE}`),
  error => first || reportError(error),
)

/** At the first signal, ends this program after its jobs. At the second one, ends it at once. */
async function end(signal: string): Promise<void> {
  if (first) {
    const isRepeated = signal === first.signal && performance.now() - first.at < REPEATED_MS
    if (!isRepeated) process.exit(1)
    return
  }
  first = { signal, at: performance.now() }
  console.log(`process ${process.pid} completes its jobs and ends; another signal ends it at once`)
  try {
    await consumer.close()
    console.log(`process ${process.pid} has ended`)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1) // BullMQ would go on trying to connect
  }
}
