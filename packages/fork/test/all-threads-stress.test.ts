import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isSoak, openResources, PATIENCE_MS, until } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { needAllThreads } from './support/mode.js'
import { jobsOfForks } from './support/thread-jobs.js'

const jobs = new URL('./fixtures/thread-jobs.js', import.meta.url)
const busy = new URL('./fixtures/busy-template.js', import.meta.url)

const CHILDREN = isSoak ? 10_000 : 12
const AT_ONCE = 8

/** Describes what the threads of a process that hangs are doing. */
function threadsOf(pid: number | undefined): string {
  try {
    const folder = `/proc/${pid}/task`
    const read = (id: string, file: string): string => readFileSync(`${folder}/${id}/${file}`, 'latin1').trim()
    return readdirSync(folder)
      .map(id => `${read(id, 'comm')}: ${read(id, 'syscall')}`)
      .join(', ')
  } catch {
    return 'it has ended'
  }
}

/** Lets a fork do its jobs. A third of all have a worker thread, and a third end by themselves. */
async function work(template: ForkProcess, i: number): Promise<void> {
  const names = i % 3 === 0 ? [...jobsOfForks, 'worker threads'] : jobsOfForks
  const child = template.fork().sendArg(names, Math.floor(i / 3) % 3 === 0 ? 'natural' : 'exit')
  const hasHung = new AbortController()
  const overdue = setTimeout(PATIENCE_MS, undefined, { signal: hasHung.signal }).then(() => {
    const threads = threadsOf(child.pid)
    child.kill('SIGKILL')
    throw new Error(`it hangs; ${threads}`)
  })
  overdue.catch(() => {})
  const done = async (): Promise<void> => {
    assert.deepEqual(await answer(await child.run(jobs, 'work')), names)
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    assert.equal(child.mode, 'fork')
  }
  try {
    await Promise.race([done(), overdue])
  } finally {
    hasHung.abort()
  }
}

describe('forks with all threads under load', () => {
  before(needAllThreads)

  it(`${CHILDREN} forks do all that needs threads, ${AT_ONCE} at once; the template goes on, and nothing is left`, async function () {
    this.timeout(isSoak ? 8 * 3_600_000 : 240_000)
    if (process.env['@ANYFORK/FORK_PREBUILD']) this.skip() // AddressSanitizer does not follow threads into forks: see scripts/sanitize
    await ForkProcess.exec().close() // Node and this package keep descriptors that the first process needs
    const before = openResources()
    const loads: ChildProcess[] = Array.from({ length: isSoak ? availableParallelism() : 1 }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    )
    try {
      const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).require(jobs, busy)
      await template.ready()
      await work(template, 0)
      const descriptors = (): number => readdirSync(`/proc/${template.pid}/fd`).length
      const open = descriptors()
      const failures: string[] = []
      let next = 0
      const workOn = async (): Promise<void> => {
        while (next < CHILDREN) {
          const i = next++
          await work(template, i).catch((error: Error) => failures.push(`${i}: ${error.message}`))
          if (i % 10 === 0) await template.call(busy, 'goOn').catch((error: Error) => failures.push(error.message))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, workOn))
      assert.deepEqual(failures, [])
      assert.deepEqual(childrenOf(template.pid!), [])
      await until(() => descriptors() === open)
      await template.close()
      assert.deepEqual(await template.exited, { code: 0, signal: null })
    } finally {
      for (const load of loads) {
        const closed = once(load, 'close')
        load.kill('SIGKILL')
        await closed
      }
    }
    await assertNothingLeft(before)
  })
})
