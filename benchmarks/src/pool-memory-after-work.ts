import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { Benchmark, Subject } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { startPeer } from './peers/peer.js'
import { pools, withOneCallPerWorker } from './peers/pools.js'

const WORKERS = 8
const CALLS = 1000
const PAUSE_MS = 2000

const own = (option: string, variant: Record<string, unknown>): Subject => ({
  name: `@anyfork/fork-pool, ${option}`,
  peer: 'fork-pool',
  variant,
})

export const benchmark: Benchmark = {
  title: `How much memory does a pool use after its ${WORKERS} workers have run ${CALLS.toLocaleString('en')} calls?`,
  method: `Each call compiles ten functions in TypeScript, and must return the same length. PSS: the growth of the memory of the program and all its processes, from before the pool is made until ${PAUSE_MS / 1000} seconds after the last result. PSS divides each shared page among the processes that share it. After calls: the same at the last result. Milliseconds: from the first call until the last result, with the start of the workers.`,
  isHigherBetter: false,
  rounds: 2,
  timeoutMs: 300_000,
  subjects: [
    ...pools.map(withOneCallPerWorker),
    own('recycle growth 32 MB', { recycle: { growth: 32e6 } }),
    own('refork after 20 calls', { refork: 20 }),
    own('memory lean', { memory: 'lean' }),
  ],
  settings: isQuick => [{ calls: isQuick ? 4 : CALLS, cpus: 'free' }],
  async measure(subject, { calls }, isQuick) {
    setWorkerModule(HEAVY_MODULE)
    const growthSince = async (before: number): Promise<number> => totalPss(await treeMemory()) - before
    const before = await growthSince(0)
    const startedAt = performance.now()
    const client = await startPeer(subject, { task: 'transpile', workers: isQuick ? 2 : WORKERS })
    const lengths = await Promise.all(Array.from({ length: Number(calls) }, (_, number) => client.call(number)))
    const milliseconds = performance.now() - startedAt
    const afterCallsPssMebibytes = await growthSince(before)
    assert.ok(Number(lengths[0]) > 500 && new Set(lengths).size === 1, `results of lengths ${new Set(lengths)}`)
    await setTimeout(isQuick ? 10 : PAUSE_MS)
    return { pssMebibytes: await growthSince(before), afterCallsPssMebibytes, milliseconds }
  },
}
