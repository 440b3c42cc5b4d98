import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { Benchmark, Subject } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { totalPss, treeMemory, treeProcessorTimeWithEnded } from './harness/process-tree.js'
import { repeatConcurrently } from './harness/repeat.js'
import { startPeer, type Task } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'
import { quantile } from './statistics.js'

const WORKERS = 8
const PAUSE_MS = 3000

/** The function of each job, and how often it is called. A job is named after the module that its workers load. */
const jobs: readonly { job: string; task: Task; calls: number }[] = [
  { job: HEAVY_MODULE, task: 'transpile', calls: 1000 },
  { job: 'express', task: 'answerRequests', calls: 400 },
  { job: 'sharp', task: 'resizeImage', calls: 400 },
]

const own = (option: string, variant: Record<string, unknown>): Subject => ({
  name: `@anyfork/fork-pool, ${option}`,
  peer: 'fork-pool',
  variant,
})

/** The peers that do all jobs, not only the first: a pool of threads, and two pools of processes. */
const peersOfAllJobs = new Set(['piscina', 'tinypool, child_process', 'jest-worker, process'])

export const benchmark: Benchmark = {
  title: `How much memory does a pool use after its ${WORKERS} workers have done real work?`,
  method: `Keeps ${WORKERS} calls pending. A call compiles ten functions in TypeScript, makes 20 requests to an Express application in its worker, or makes a preview of a photo with sharp; all must return the same length. PSS: the growth of the memory of the program and all its processes, from before the pool is made until ${PAUSE_MS / 1000} seconds after the last result. PSS divides each shared page among the processes that share it. After first calls, after calls: the same after the first ${WORKERS} calls, and at the last result. Milliseconds and processor milliseconds: until the last result, with the start of the workers. p99: of the time of a call, without the first ${WORKERS}, which start the workers.`,
  isHigherBetter: false,
  rounds: 2,
  timeoutMs: 300_000,
  subjects: [
    ...pools.map(withOneCallPerWorker),
    own('memory fast', { memory: 'fast' }),
    own('memory lean', { memory: 'lean' }),
    own('recycle growth 32 MB', { recycle: { growth: 32e6 } }),
    own('refork after 20 calls', { refork: 20 }),
  ],
  settings: isQuick => jobs.map(({ job, calls }) => ({ job, calls: isQuick ? 4 : calls, cpus: 'free' })),
  excludes: ({ name, peer }, { job }) => job !== HEAVY_MODULE && peer !== 'fork-pool' && !peersOfAllJobs.has(name),
  async measure(subject, { job, calls }, isQuick) {
    const workers = isQuick ? 2 : WORKERS
    const { task } = jobs.find(each => each.job === job)!
    setWorkerModule(job)
    const growthSince = async (before: number): Promise<number> => totalPss(await treeMemory()) - before
    const before = await growthSince(0)
    const processorTimeBefore = treeProcessorTimeWithEnded()
    const startedAt = performance.now()
    const client = await startPeer(subject, { task, workers })
    const lengths = new Set<unknown>()
    const times: number[] = []
    let called = 0
    const callUntil = (end: number): Promise<unknown> =>
      repeatConcurrently(
        workers,
        () => called >= end,
        async () => {
          const calledAt = performance.now()
          lengths.add(await client.call(called++))
          times.push(performance.now() - calledAt)
        },
      )
    await callUntil(workers)
    const afterFirstCallsPssMebibytes = await growthSince(before)
    await callUntil(Number(calls))
    const milliseconds = performance.now() - startedAt
    const processorMilliseconds = treeProcessorTimeWithEnded() - processorTimeBefore
    const afterCallsPssMebibytes = await growthSince(before)
    assert.ok(times.length === calls && lengths.size === 1, `${times.length} results of lengths ${[...lengths]}`)
    assert.ok(Number([...lengths][0]) > 500)
    await setTimeout(isQuick ? 10 : PAUSE_MS)
    return {
      pssMebibytes: await growthSince(before),
      afterFirstCallsPssMebibytes,
      afterCallsPssMebibytes,
      milliseconds,
      processorMilliseconds,
      p99Milliseconds: quantile(times.slice(workers), 0.99),
    }
  },
}
