import { readdirSync, readFileSync } from 'node:fs'
import { memoryOf } from '@anyfork/fork-pool'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { startConsumer } from '../consumer.js'
import { redisOptions } from '../redis.js'

// Takes one sample of one subject, and prints it as JSON. It runs in a process of its own, so that the memory of all
// processes below it is that of the subject.

const [name, jobs, workers] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const queueName = `benchmark-${process.pid}`
const connection = redisOptions()
const queue = new Queue(queueName, { connection })
const events = new QueueEvents(queueName, { connection })
await events.waitUntilReady()
const consumer = start(name)

const warmUp = completed(workers * 4)
await addJobs('warm-up', workers * 4) // all workers have started, and have run their code
await warmUp
const startedAt = performance.now()
const done = completed(jobs)
await addJobs('job', jobs)
await done
const seconds = (performance.now() - startedAt) / 1000
const pssBytes = await pssOf([process.pid, ...descendantsOf(process.pid)])
console.log(JSON.stringify({ jobsPerSecond: jobs / seconds, pssBytes }))

await consumer.close()
await queue.obliterate({ force: true })
await Promise.all([queue.close(), events.close()])

function start(name: string): { close: () => Promise<void> } {
  if (name === 'fork-pool') {
    const module = new URL('./forked-work.js', import.meta.url)
    return startConsumer({ queue: queueName, connection, workers, module })
  }
  const useWorkerThreads = name === 'sandbox-threads'
  const file = new URL('./sandboxed-work.js', import.meta.url)
  return new Worker(queueName, file, { connection, concurrency: workers, useWorkerThreads })
}

/** Resolves when so many more jobs are completed. Call it before the jobs are added. */
function completed(count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onCompleted = (): void => {
      if (--count > 0) return
      events.off('completed', onCompleted)
      resolve()
    }
    events.on('completed', onCompleted)
    events.on('failed', ({ failedReason }) => reject(new Error(failedReason)))
  })
}

async function addJobs(name: string, count: number): Promise<void> {
  const data = (index: number) => ({ seed: `${name} ${index}`, rounds: 200 })
  await queue.addBulk(Array.from({ length: count }, (_, index) => ({ name, data: data(index) })))
}

async function pssOf(pids: readonly number[]): Promise<number> {
  const figures = await Promise.all(pids.map(pid => memoryOf(pid)))
  return figures.reduce((sum, { pss }) => sum + pss, 0)
}

/** Lists the processes below a process: the children of all its threads, and theirs. */
function descendantsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap(thread => {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').match(/\d+/g) ?? []
    return children.flatMap(child => [Number(child), ...descendantsOf(Number(child))])
  })
}
