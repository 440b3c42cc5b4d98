import assert from 'node:assert/strict'
import type { Contestant, Question } from './harness/benchmark.js'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { loadPeer, type Start, type Team } from './peers/peer.js'
import { isEager, pools, spare } from './peers/pools.js'
import { median } from './statistics.js'

const POOLS = 4

export const question: Question = {
  title: 'How long does the first call of a pool take that has no worker yet?',
  method: `The pool is made, may have one worker and has none; the template of @anyfork/fork-pool is ready. From the call of \`add(1, 2)\` until its promise is settled. ${POOLS} pools are made in turn: the median of all but the first, where the program is warmed up, and the first, where it has just begun. jest-worker starts workers when it is made: there, from making it.`,
  isMoreBetter: false,
  contestants: [...pools, spare],
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY]).map(module => ({ module, cpus: 'free' })),
  async measure(contestant, { module }, isQuick) {
    chooseModule(module)
    const start = await loadPeer(contestant.peer)
    const first = await firstCall(contestant, start)
    const later: number[] = []
    while (later.length < (isQuick ? 1 : POOLS - 1)) later.push(await firstCall(contestant, start))
    return { medianMilliseconds: median(later), firstMilliseconds: first }
  },
}

async function firstCall(contestant: Contestant, start: Start): Promise<number> {
  const make = (): Team =>
    start({ task: 'add', workers: 1, fromZero: true }, (contestant.variant ?? {}) as Record<string, never>)
  const made = isEager(contestant) ? undefined : make()
  await made?.ready?.()
  const asked = performance.now()
  const answer = await (made ?? make()).call(1, 2)
  const milliseconds = performance.now() - asked
  assert.equal(answer, 3)
  return milliseconds
}
