import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childrenOf, descendantsOf, isSoak, outputOf, runProgram, untilGone } from '@anyfork/test-support'
import { Queue, QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { hasRedis, RedisServer } from './support/redis-server.js'

const JOBS = isSoak ? 10_000 : 300
/** After so many ended jobs, a worker is killed. */
const JOBS_PER_KILL = isSoak ? 100 : 15
const LOCK_MS = 3000
const consume = new URL('../consume.js', import.meta.url)
const produce = new URL('../produce.js', import.meta.url)
const compare = new URL('../benchmark/main.js', import.meta.url)

describe('examples/bullmq', () => {
  const server = new RedisServer()
  const consumers = new Set<ChildProcess>()
  const toClose: { close(): Promise<void> }[] = []

  before(async function () {
    if (!hasRedis()) {
      console.log('      redis-server is not installed: these tests are skipped')
      return this.skip()
    }
    await server.start()
  })
  after(async () => {
    for (const consumer of consumers) consumer.kill('SIGKILL')
    await Promise.all(toClose.map(one => one.close()))
    await server.stop()
  })

  function openQueue(): { queue: Queue; events: QueueEvents } {
    const connection = { path: server.socket }
    const queue = new Queue('hashes', { connection, streams: { events: { maxLen: 1e6 } } })
    const events = new QueueEvents('hashes', { connection })
    toClose.push(queue, events)
    return { queue, events }
  }

  async function startConsumer(redis: RedisServer = server): Promise<ChildProcess> {
    const args = [fileURLToPath(consume), '--workers', '2', '--lock', `${LOCK_MS}`]
    const env = { ...process.env, REDIS: redis.socket }
    // Each leads a process group, which gets a signal as from a terminal.
    const consumer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true })
    createInterface(consumer.stderr).on('line', line => {
      if (!isExpected(line)) console.log(`      a consumer: ${line}`)
    })
    consumers.add(consumer)
    await once(createInterface(consumer.stdout), 'line')
    return consumer
  }

  it(`completes each of ${JOBS} jobs once, although workers and a consumer are killed`, async () => {
    const { queue, events } = openQueue()
    await events.waitUntilReady()
    const kills = { workers: 0, consumers: 0 }
    const ended = { jobs: 0 }

    const done = new Promise<void>(resolve => {
      const end = async (): Promise<void> => {
        ended.jobs++
        if (ended.jobs % JOBS_PER_KILL === 0) kills.workers += killWorker(consumers, ended.jobs / JOBS_PER_KILL)
        if (ended.jobs === Math.floor(JOBS / 2)) {
          const [victim] = consumers
          consumers.delete(victim!)
          const processes = descendantsOf(victim!.pid!).map(({ pid }) => pid)
          kills.consumers += Number(victim!.kill('SIGKILL'))
          await Promise.all([untilGone(...processes), startConsumer()])
        }
        if (ended.jobs === JOBS) resolve()
      }
      events.on('completed', end).on('failed', end)
    })
    await Promise.all([startConsumer(), startConsumer()])
    await queue.addBulk(
      Array.from({ length: JOBS }, (_, index) => ({
        name: 'hash',
        data: { seed: `${index}`, rounds: 50, failures: index % 10 === 0 ? 1 : 0 },
        opts: { jobId: `job-${index}`, attempts: 10, backoff: { type: 'fixed', delay: 50 } },
      })),
    )
    await done

    // What Redis has counts, not what an event handler has seen.
    const redis = new Redis(server.socket)
    const log = (await redis.xrange('bull:hashes:events', '-', '+')).map(([, fields]) => fieldsOf(fields))
    redis.disconnect()
    const count = (name: string): number => log.filter(({ event }) => event === name).length
    const completed = log.filter(({ event }) => event === 'completed').map(({ jobId }) => jobId)
    const jobs = await queue.getCompleted(0, JOBS)
    const repeated = jobs.filter(job => job.attemptsMade > 1).length
    const stalled = count('stalled')
    console.log(
      `      ${JOBS} jobs, ${completed.length} completed, ${repeated} of them at a later attempt, ${stalled} stalled, ${count('progress')} reports of progress; killed: ${kills.workers} workers, ${kills.consumers} consumer`,
    )
    assert.deepEqual(await queue.getJobCounts('completed', 'failed', 'active', 'wait', 'delayed'), {
      completed: JOBS,
      failed: 0,
      active: 0,
      wait: 0,
      delayed: 0,
    })
    assert.equal(completed.length, JOBS)
    assert.equal(new Set(completed).size, JOBS)
    for (const job of jobs) assert.equal(job.returnvalue, hashOf(job.data.seed, job.data.rounds))
    for (const job of jobs) assert.equal((job.progress as { percent: number }).percent, 50)
    assert.ok(kills.workers > 0 && kills.consumers === 1, JSON.stringify(kills))
    assert.ok(repeated >= JOBS / 10, `${repeated}`)
    await queue.obliterate()
  })

  it('a consumer that gets SIGTERM completes its jobs and ends, and so do the programs of the README', async () => {
    const consumer = consumers.values().next().value ?? (await startConsumer())
    const stdout = await outputOf(produce, ['5'], { env: { REDIS: server.socket } })
    assert.match(stdout, /^5 jobs, \d+\.\d seconds\n$/)
    const processes = descendantsOf(consumer.pid!).map(({ pid }) => pid)
    for (const one of consumers) {
      const exited = once(one, 'exit')
      one.kill('SIGTERM')
      assert.deepEqual(await exited, [0, null])
    }
    consumers.clear()
    await untilGone(...processes)
  })

  it('a consumer completes its jobs at Ctrl-C, which signals its workers, too', async () => {
    const { queue, events } = openQueue()
    const consumer = await startConsumer()
    await outputOf(produce, ['1'], { env: { REDIS: server.socket } }) // from now on, there is a template
    await events.waitUntilReady()
    const active = once(events, 'active')
    const job = await queue.add('hash', { seed: 'long', rounds: 300_000 })
    await active
    const exited = once(consumer, 'exit')
    process.kill(-consumer.pid!, 'SIGINT')
    assert.deepEqual(await exited, [0, null])
    consumers.delete(consumer)
    assert.equal(await job.getState(), 'completed')
  })

  it('a second signal ends a consumer at once, although a job runs', async () => {
    const { queue, events } = openQueue()
    const consumer = await startConsumer()
    await events.waitUntilReady()
    const active = once(events, 'active')
    await queue.add('hash', { seed: 'endless', rounds: 1e12 })
    await active
    const exited = once(consumer, 'exit')
    const lines = createInterface(consumer.stdout!)
    const ending = once(lines, 'line')
    consumer.kill('SIGTERM')
    await ending
    consumer.kill('SIGINT')
    assert.deepEqual(await exited, [1, null])
    consumers.delete(consumer)
    await queue.obliterate({ force: true })
  })

  it('a consumer ends while Redis is away', async () => {
    const redis = new RedisServer()
    await redis.start()
    const consumer = await startConsumer(redis)
    const closed = once(consumer, 'close')
    let output = ''
    const away = new Promise<void>(resolve => {
      consumer.stdout!.on('data', data => (output += String(data)))
      consumer.stderr!.on('data', data => {
        output += String(data)
        if (/connect E/.test(output)) resolve()
      })
    })
    await redis.stop()
    await away
    consumer.kill('SIGTERM')
    const ending = await closed
    // BullMQ closes a connection while it tries to connect, or waits. If it waits, the consumer gives up.
    assert.match(output, /^process \d+ has ended$|^Redis does not answer/m)
    assert.deepEqual(ending, [/^Redis does not answer/m.test(output) ? 1 : 0, null])
    consumers.delete(consumer)
  })

  it('the benchmark compares a fork-pool with the sandbox of BullMQ', async () => {
    const args = ['--jobs', '20', '--workers', '1', '--rounds', '1']
    const stdout = await outputOf(compare, args, { env: { REDIS: server.socket } })
    const rows = stdout.split('\n').filter(line => /^\| .+ \| \d+ \| \d+ \|$/.test(line))
    assert.deepEqual(
      rows.map(row => row.split(' | ')[0]),
      ['| fork-pool', "| BullMQ's sandbox, processes", "| BullMQ's sandbox, threads"],
    )
  })

  it('the benchmark ends at once if Redis cannot be reached', async () => {
    const { code, stderr } = await runProgram(compare, [], { env: { REDIS: 'redis://127.0.0.1:1' } })
    assert.equal(code, 1)
    assert.equal(stderr, 'Error: connect ECONNREFUSED 127.0.0.1:1\n')
  })
})

/** What consumers print when jobs fail or Redis is away because of these tests. */
function isExpected(line: string): boolean {
  return /has failed at attempt|connect E|write EPIPE|Redis does not answer|could not renew lock|Missing lock|is not in the active state/.test(
    line,
  )
}

/** Kills a worker of one of the consumers, in turn: a child of its template. Returns how many were killed. */
function killWorker(consumers: ReadonlySet<ChildProcess>, turn: number): number {
  const all = [...consumers]
  const workers = childrenOf(all[turn % all.length]!.pid!).flatMap(childrenOf)
  if (!workers.length) return 0
  try {
    process.kill(workers[turn % workers.length]!, 'SIGKILL')
    return 1
  } catch {
    return 0 // it has just ended
  }
}

function fieldsOf(fields: string[]): Record<string, string> {
  const pairs = Array.from({ length: fields.length / 2 }, (_, i) => [fields[2 * i], fields[2 * i + 1]])
  return Object.fromEntries(pairs)
}

function hashOf(seed: string, rounds: number): string {
  let hash = seed
  for (let round = 0; round < rounds; round++) hash = createHash('sha256').update(hash).digest('hex')
  return hash
}
