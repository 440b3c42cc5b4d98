import assert from 'node:assert/strict'
import type { Benchmark, Subject } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { type Client, loadPeer, type StartPeer } from './peers/peer.js'
import { forkPoolWithSpare, isEager, pools } from './peers/pools.js'
import { median } from './statistics.js'

const POOLS = 4

export const benchmark: Benchmark = {
  title: 'How long does the first call take in a pool that has no worker yet?',
  method: `Makes a pool of at most one worker, which starts from zero; the template of @anyfork/fork-pool is ready. Measured from the call of \`add(1, 2)\` until its promise settles. Each sample makes ${POOLS} pools, one after the other. First: the first pool, in a program that has just started. Median: the other pools, when the program is warmed up. For jest-worker, which starts its workers when it is made, the time includes making it.`,
  isHigherBetter: false,
  subjects: [...pools, forkPoolWithSpare],
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure(subject, { module }, isQuick) {
    setWorkerModule(module)
    const start = await loadPeer(subject)
    const first = await firstCall(subject, start)
    const later: number[] = []
    while (later.length < (isQuick ? 1 : POOLS - 1)) later.push(await firstCall(subject, start))
    return { medianMilliseconds: median(later), firstMilliseconds: first }
  },
}

async function firstCall(subject: Subject, start: StartPeer): Promise<number> {
  const make = (): Client => start({ task: 'add', workers: 1, fromZero: true })
  const made = isEager(subject) ? undefined : make()
  await made?.ready?.()
  const startedAt = performance.now()
  const answer = await (made ?? make()).call(1, 2)
  const milliseconds = performance.now() - startedAt
  assert.equal(answer, 3)
  return milliseconds
}
