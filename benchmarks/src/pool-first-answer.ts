import assert from 'node:assert/strict'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { loadPeer, type Team } from './peers/team.js'
import { isEager, pools } from './peers/pools.js'
import type { Question } from './harness/question.js'

export const question: Question = {
  title: 'How long does the first call of a pool take that has no worker yet?',
  method:
    'The pool is made, may have one worker and has none; the template of @anyfork/fork-pool is ready. From the call of `add(1, 2)` until its promise is settled. jest-worker starts workers when it is made: there, from making it.',
  isMoreBetter: false,
  contestants: pools,
  rounds: 9,
  settings: isQuick => (isQuick ? [HEAVY] : ['bare', HEAVY]).map(module => ({ module, cpus: 'free' })),
  async measure(contestant, { module }) {
    chooseModule(module)
    const start = await loadPeer(contestant.peer)
    const make = (): Team => start({ task: 'add', workers: 1, fromZero: true }, (contestant.variant ?? {}) as Record<string, never>)
    const made = isEager(contestant) ? undefined : make()
    await made?.ready?.()
    const asked = performance.now()
    const answer = await (made ?? make()).call(1, 2)
    const milliseconds = performance.now() - asked
    assert.equal(answer, 3)
    return { milliseconds }
  },
}
