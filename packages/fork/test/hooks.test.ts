import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const hooks = new URL('./fixtures/hooks.js', import.meta.url)

describe('hooks', () => {
  let template: ForkProcess

  before(async () => {
    template = ForkProcess.exec({ mode: 'fork' }).require(hooks)
    await template.ready()
  })
  after(() => template.close())

  it('beforeFork hooks run in the template and afterFork hooks in the child, in order, each awaited', async () => {
    const log = await answer(await template.fork().run(hooks, 'readLog'))
    assert.deepEqual(log, ['before 1', 'before 2', 'after 1', 'after 2'])
    assert.deepEqual(await answer(await template.fork().run(hooks, 'readLog')), [
      'before 1',
      'before 2',
      'before 1',
      'before 2',
      'after 1',
      'after 2',
    ])
  })

  it('a beforeFork hook that throws rejects that fork only', async () => {
    await assert.rejects(
      template
        .eval(() => Object.assign(globalThis, { failBefore: true }))
        .fork()
        .ready(),
      { message: 'not before' },
    )
    const child = template.eval(() => Object.assign(globalThis, { failBefore: false })).fork()
    await child.ready()
    await child.close()
  })

  it('an undo function that throws ends the template with that error; the child survives', async () => {
    const own = ForkProcess.exec({ mode: 'fork' })
      .require(hooks)
      .eval(() => Object.assign(globalThis, { failUndo: true }))
    const child = own.fork()
    await child.ready()
    await assert.rejects(own.ready(), { message: 'not undone' })
    assert.equal(child.kill(), true)
    await child.exited // no process is left to report how
    assert.deepEqual(await own.exited, { code: 1, signal: null })
  })

  it('all hooks are undone when a hook or an undo function throws, and the fork rejects with the error of the hook', async () => {
    const undone = `if (globalThis.undone !== '1') throw new Error(globalThis.undone)`
    const own = ForkProcess.exec({ mode: 'fork' })
      .require(hooks)
      .eval(() => Object.assign(globalThis, { failUndo: true, failLast: true }))
    own.eval(async () => {
      const { beforeFork } = await import('@anyfork/fork')
      beforeFork(() => {
        if ((globalThis as { failLast?: boolean }).failLast) throw new Error('not before, the last')
      })
    })
    await assert.rejects(own.fork().ready(), { message: 'not before, the last' })
    await own.eval(undone).ready()
    own.kill()
    await own.exited
  })

  it('an afterFork hook that throws ends the child with that error', async () => {
    const child = template.eval(() => Object.assign(globalThis, { failAfter: true })).fork()
    await assert.rejects(child.ready(), { message: 'not after' })
    assert.deepEqual(await child.exited, { code: 1, signal: null })
    await template.eval(() => Object.assign(globalThis, { failAfter: false })).ready()
  })
})

describe('warm', () => {
  for (const mode of ['fork', 'exec'] as const) {
    it(`warm() runs a function in the template the given number of times (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ mode }).warm(hooks, 'count', [2], 3)
      assert.deepEqual(await answer(await template.fork().run(hooks, 'readCount')), 6)
      await template.close()
    })
  }

  it('warm() of a function that throws rejects with ERR_WARM_FAILED and the error as cause', async () => {
    const template = ForkProcess.exec().warm(hooks, 'count', ['a'])
    await assert.rejects(template.ready(), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ERR_WARM_FAILED')
      return error.cause instanceof TypeError
    })
    assert.throws(() => ForkProcess.create().warm(hooks, 'count', [], 0), TypeError)
  })
})
