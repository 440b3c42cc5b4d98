import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { withTemporaryFile } from './harness/barrier.js'
import type { Contestant, Figures, Question } from './harness/benchmark.js'
import { after } from './harness/repeat.js'
import { startPeer } from './peers/peer.js'
import { hasThreads, pools, spare } from './peers/pools.js'

const LONGEST_MS = 5000
const EXIT = 'process.exit(1)'

export const question: Question = {
  title: 'How soon does a pool answer again after its worker has died?',
  method: `The only worker of a pool dies while it carries out a call. From its death until the first answer; meanwhile a further call is made every 5 ms, the first at once. A thread cannot be reached by a signal. Uncaught errors of a pool are ignored. A dash: no answer in ${LONGEST_MS / 1000} seconds, in most rounds.`,
  isMoreBetter: false,
  contestants: [...pools, spare],
  rounds: 9,
  longest: 4 * LONGEST_MS, // now and then, jest-worker hangs after the death of its worker
  settings: isQuick => (isQuick ? [EXIT] : ['SIGKILL', EXIT]).map(death => ({ death, cpus: 'free' })),
  excludes: (contestant, { death }) => death === 'SIGKILL' && hasThreads(contestant),
  measure: (contestant, { death }) => withTemporaryFile(file => recovery(contestant, file, death!)),
}

/** @param file - where the worker writes down when it dies */
async function recovery(contestant: Contestant, file: string, death: string | number): Promise<Figures> {
  process.on('uncaughtException', () => {}) // poolifier's cluster sometimes writes to a channel that is closed; it recovers
  const team = await startPeer(contestant, { task: 'dieOnce', workers: 1 })
  let answered: bigint | undefined
  const call = (): void =>
    void team.call(file, death).then(
      () => (answered ??= process.hrtime.bigint()),
      () => {},
    )
  call()
  for (const isOver = after(LONGEST_MS); answered === undefined && !isOver(); await setTimeout(5)) call()
  return { milliseconds: answered === undefined ? null : Number(answered - BigInt(readFileSync(file, 'utf8'))) / 1e6 }
}
