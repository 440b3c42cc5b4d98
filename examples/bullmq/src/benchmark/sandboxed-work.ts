import type { SandboxedJob } from 'bullmq'
import { type WorkData, work } from '../work.js'
import { load } from './load.js'

await load()

/** What BullMQ's own sandbox runs: the same work, in a process or a thread that BullMQ starts. */
export default async function sandboxedWork(job: SandboxedJob<WorkData>): Promise<string> {
  let reported: Promise<void> = Promise.resolve()
  const hash = work(job.data, job.attemptsMade, progress => {
    reported = reported.then(() => job.updateProgress(progress))
  })
  await reported
  return hash
}
