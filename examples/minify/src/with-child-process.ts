import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { memoryOf } from '@anyfork/fork-pool'
import type { Answer } from './child-process-worker.js'
import type { Outcome } from './outcome.js'

const worker = new URL('./child-process-worker.js', import.meta.url)

/** Runs all files through workers made by `child_process.fork`, one file at a time each. */
export async function withChildProcess(files: readonly string[], workers: number): Promise<Outcome> {
  const started = performance.now()
  const outcome: Outcome = { files: files.length, failed: 0, bytesIn: 0, bytesOut: 0, seconds: 0, workers: [] }
  const rest = files.values()
  await Promise.all(Array.from({ length: Math.min(workers, files.length) }, () => work(rest, outcome)))
  outcome.seconds = (performance.now() - started) / 1000
  return outcome
}

/** One worker, from its start to the end of the files. */
async function work(files: Iterator<string>, outcome: Outcome): Promise<void> {
  const asked = performance.now()
  const child = fork(worker)
  await once(child, 'message')
  const startMilliseconds = performance.now() - asked
  for (let next = files.next(); !next.done; next = files.next()) {
    const answer = await ask(child, next.value)
    if ('error' in answer) {
      outcome.failed++
      console.error(`${next.value}: ${answer.error}`)
    } else {
      outcome.bytesIn += answer.bytesIn
      outcome.bytesOut += answer.bytesOut
    }
  }
  const { uss, pss } = await memoryOf(child.pid!)
  outcome.workers.push({ startMilliseconds, ussBytes: uss, pssBytes: pss })
  child.disconnect()
  await once(child, 'exit')
}

async function ask(child: ChildProcess, file: string): Promise<Answer> {
  const answered = once(child, 'message')
  child.send(file)
  return ((await answered) as [Answer])[0]
}
