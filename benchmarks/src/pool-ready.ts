import { gather } from './harness/barrier.js'
import type { Question } from './harness/benchmark.js'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { loadPeer } from './peers/peer.js'
import { pools, singleCalls } from './peers/pools.js'

const WORKERS = 8

export const question: Question = {
  title: `How long until a pool has ${WORKERS} workers at work?`,
  method: `From making a pool of ${WORKERS}, template and all, until each of its workers has been called; every call is held until then.`,
  isMoreBetter: false,
  contestants: pools.map(singleCalls),
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY]).map(module => ({ module, cpus: 'free' })),
  async measure({ peer, variant }, { module }) {
    chooseModule(module)
    const start = await loadPeer(peer)
    const made = process.hrtime.bigint()
    const team = start({ task: 'meet', workers: WORKERS }, (variant ?? {}) as Record<string, never>)
    return { milliseconds: Number((await gather(WORKERS, team.call)) - made) / 1e6 }
  },
}
