import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { ForkProcess } from '@anyfork/fork'
import { afterEach, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { areAllThreadsCopied } from './support/mode.js'

/** Counts in a template how often JavaScript is called there. */
async function countCalls(): Promise<void> {
  const { createHook } = await import('node:async_hooks')
  const templatePid = process.pid
  const counts = { calls: 0 }
  createHook({ before: () => void (counts.calls += Number(process.pid === templatePid)) }).enable()
  Object.assign(globalThis, {
    counts,
    tellCalls: ({ fd }: { fd: number }) => process.getBuiltinModule('node:fs').writeSync(fd, `${counts.calls}\n`),
  })
}

/** In some milliseconds, when the template has carried out all orders, does something to it. */
async function changeLater(change: string): Promise<void> {
  const templatePid = process.pid
  const { beforeFork } = await import('@anyfork/fork')
  const { Worker } = await import('node:worker_threads')
  const { pbkdf2 } = await import('node:crypto')
  setTimeout(() => {
    if (process.pid !== templatePid) return // a fork, which has inherited the timer
    if (change === 'a hook') {
      beforeFork(() => void Object.assign(globalThis, { isHookCalled: true }))
    } else if (change === 'a thread') {
      new Worker('setInterval(() => {}, 1000)', { eval: true }).unref()
    } else {
      pbkdf2('a', 'b', 100_000, 64, 'sha512', () => Object.assign(globalThis, { hasFinished: true }))
    }
    Object.assign(globalThis, { hasChanged: true })
  }, 20)
  Object.assign(globalThis, {
    tell: ({ fd }: { fd: number }) => {
      const { hasChanged, hasFinished, isHookCalled } = globalThis as Record<string, unknown>
      process
        .getBuiltinModule('node:fs')
        .writeSync(fd, `${JSON.stringify({ hasChanged, hasFinished, isHookCalled })}\n`)
    },
  })
}

describe('a fork of a template that is idle', () => {
  let template: ForkProcess
  afterEach(async () => {
    template.kill('SIGKILL')
    await template.exited
  })

  it('runs no JavaScript in the template', async () => {
    template = ForkProcess.exec({ mode: 'fork' }).eval(countCalls)
    await template.fork().close() // the first one settles the template
    const calls = async (): Promise<number> => answer(await template.fork().run('tellCalls'))
    const before = await calls()
    for (let i = 0; i < 20; i++) await template.fork().close()
    assert.equal(await calls(), before)
  })

  it('leaves orders with several descriptors to JavaScript, and opens none of these twice', async () => {
    template = ForkProcess.exec({ mode: 'fork' })
    await template.fork().close()
    await template.ready()
    const open = (): number => readdirSync(`/proc/${template.pid}/fd`).length
    const before = open()
    for (let count = 1; count <= 4; count++) {
      template.sendFd(...Array<number>(count).fill(0))
      await template.ready()
    }
    assert.equal(open(), before + 1 + 2 + 3 + 4)
  })

  /** Forks until a fork has been made after the change. Resolves with what that fork tells. */
  async function forkAfterChange(change: string): Promise<Record<string, boolean>> {
    template = ForkProcess.exec({ mode: 'fork' }).eval(changeLater, change)
    for (;;) {
      const told = await answer<Record<string, boolean>>(await template.fork().run('tell'))
      if (told['hasChanged']) return told
    }
  }

  it('calls a hook that a timer of the template has added meanwhile', async () => {
    assert.equal((await forkAfterChange('a hook'))['isHookCalled'], true)
  })

  it('waits for a request that a timer of the template has begun meanwhile', async () => {
    assert.equal((await forkAfterChange('a request'))['hasFinished'], true)
  })

  it('is rejected if a timer of the template has started a thread meanwhile', async function () {
    if (areAllThreadsCopied) return this.skip() // it is copied
    await assert.rejects(forkAfterChange('a thread'), { code: 'ERR_FOREIGN_THREADS' })
  })
})
