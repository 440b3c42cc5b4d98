import assert from 'node:assert/strict'
import type { Benchmark, Subject } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { type Client, loadPeer, type StartPeer } from './peers/peer.js'
import { forkPoolWithSpare, isEager, pools } from './peers/pools.js'
import { median } from './statistics.js'

const POOLS = 4

export const benchmark: Benchmark = {
  title: 'How long does the first call of a pool take that has no worker yet?',
  method: `The pool is made, may have one worker and has none; the template of @anyfork/fork-pool is ready. From the call of \`add(1, 2)\` until its promise is settled. ${POOLS} pools are made in turn: the median of all but the first, where the program is warmed up, and the first, where it has just begun. jest-worker starts workers when it is made: there, from making it.`,
  isHigherBetter: false,
  subjects: [...pools, forkPoolWithSpare],
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure(subject, { module }, isQuick) {
    setWorkerModule(module)
    const start = await loadPeer(subject.peer)
    const first = await firstCall(subject, start)
    const later: number[] = []
    while (later.length < (isQuick ? 1 : POOLS - 1)) later.push(await firstCall(subject, start))
    return { medianMilliseconds: median(later), firstMilliseconds: first }
  },
}

async function firstCall(subject: Subject, start: StartPeer): Promise<number> {
  const make = (): Client =>
    start({ task: 'add', workers: 1, fromZero: true }, (subject.variant ?? {}) as Record<string, never>)
  const made = isEager(subject) ? undefined : make()
  await made?.ready?.()
  const asked = performance.now()
  const answer = await (made ?? make()).call(1, 2)
  const milliseconds = performance.now() - asked
  assert.equal(answer, 3)
  return milliseconds
}
