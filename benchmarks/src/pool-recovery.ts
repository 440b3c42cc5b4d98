import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Benchmark, Metrics, Subject } from './harness/benchmark.js'
import { deadlineAfter } from './harness/repeat.js'
import { withTemporaryFile } from './harness/temporary-file.js'
import { startPeer } from './peers/peer.js'
import { forkPoolWithSpare, pools, usesThreads } from './peers/pools.js'

const RECOVERY_LIMIT_MS = 5000
const EXIT = 'process.exit(1)'

export const benchmark: Benchmark = {
  title: 'How soon does a pool answer again after its worker has died?',
  method: `The only worker of a pool dies while it carries out a call. From its death until the first answer; meanwhile a further call is made every 5 ms, the first at once. A thread cannot be reached by a signal. Uncaught errors of a pool are ignored. A dash: no answer in ${RECOVERY_LIMIT_MS / 1000} seconds, in most rounds.`,
  isHigherBetter: false,
  subjects: [...pools, forkPoolWithSpare],
  rounds: 9,
  timeoutMs: 4 * RECOVERY_LIMIT_MS, // now and then, jest-worker hangs after the death of its worker
  settings: isQuick => (isQuick ? [EXIT] : ['SIGKILL', EXIT]).map(death => ({ death, cpus: 'free' })),
  excludes: (subject, { death }) => death === 'SIGKILL' && usesThreads(subject),
  measure: (subject, { death }) => withTemporaryFile(file => recovery(subject, file, death!)),
}

/** @param file - where the worker writes down when it dies */
async function recovery(subject: Subject, file: string, death: string | number): Promise<Metrics> {
  process.on('uncaughtException', () => {}) // poolifier's cluster sometimes writes to a channel that is closed; it recovers
  const client = await startPeer(subject, { task: 'dieOnce', workers: 1 })
  let answered: bigint | undefined
  const call = (): void =>
    void client.call(file, death).then(
      () => (answered ??= process.hrtime.bigint()),
      () => {},
    )
  call()
  for (const isOver = deadlineAfter(RECOVERY_LIMIT_MS); answered === undefined && !isOver(); await setTimeout(5)) call()
  return { milliseconds: answered === undefined ? null : Number(answered - BigInt(readFileSync(file, 'utf8'))) / 1e6 }
}
