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
  title: 'How long does a pool take to recover from the death of its worker?',
  method: `The only worker of a pool dies while it runs a call. Measured from its death until the first result. Another call is made every 5 ms, the first one immediately. Threads are not measured with SIGKILL, because a signal cannot end one. Uncaught errors of a pool are ignored. A dash: no result within ${RECOVERY_LIMIT_MS / 1000} seconds in most rounds.`,
  isHigherBetter: false,
  subjects: [...pools, forkPoolWithSpare],
  timeoutMs: 4 * RECOVERY_LIMIT_MS, // jest-worker sometimes hangs after the death of its worker
  settings: isQuick => (isQuick ? [EXIT] : ['SIGKILL', EXIT]).map(death => ({ death, cpus: 'free' })),
  excludes: (subject, { death }) => death === 'SIGKILL' && usesThreads(subject),
  measure: (subject, { death }) => withTemporaryFile(file => recovery(subject, file, death!)),
}

/** @param file - the worker writes the time of its death into it */
async function recovery(subject: Subject, file: string, death: string | number): Promise<Metrics> {
  const ignore = (): void => {} // poolifier's cluster sometimes writes to a closed channel, and recovers
  process.on('uncaughtException', ignore)
  const client = await startPeer(subject, { task: 'dieOnce', workers: 1 })
  let answeredAt: bigint | undefined
  const call = (): void =>
    void client.call(file, death).then(
      () => (answeredAt ??= process.hrtime.bigint()),
      () => {},
    )
  call()
  for (const isOver = deadlineAfter(RECOVERY_LIMIT_MS); answeredAt === undefined && !isOver(); await setTimeout(5))
    call()
  process.off('uncaughtException', ignore) // from now on, an error ends this sample
  return {
    milliseconds: answeredAt === undefined ? null : Number(answeredAt - BigInt(readFileSync(file, 'utf8'))) / 1e6,
  }
}
