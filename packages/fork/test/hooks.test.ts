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

  it('run before the fork in the template and after it in the child, in order, each awaited', async () => {
    const log = await answer(await template.fork().run(hooks, 'tellLog'))
    assert.deepEqual(log, ['before 1', 'before 2', 'after 1', 'after 2'])
    assert.deepEqual(await answer(await template.fork().run(hooks, 'tellLog')), [
      'before 1',
      'before 2',
      'before 1',
      'before 2',
      'after 1',
      'after 2',
    ])
  })

  it('that throw before a fork fail that fork, and only that', async () => {
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

  it('whose undoing throws are the error of the process that has forked; the child goes on', async () => {
    const own = ForkProcess.exec({ mode: 'fork' })
      .require(hooks)
      .eval(() => Object.assign(globalThis, { failUndo: true }))
    const child = own.fork()
    await child.ready()
    await assert.rejects(own.ready(), { message: 'not undone' })
    assert.equal(child.kill(), true)
    await child.exited // nobody is left to tell how
    assert.deepEqual(await own.exited, { code: 1, signal: null })
  })

  it('are undone, all of them, where one cannot be, and where a hook throws, whose error is told', async () => {
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

  it('that throw after a fork are the error of the child', async () => {
    const child = template.eval(() => Object.assign(globalThis, { failAfter: true })).fork()
    await assert.rejects(child.ready(), { message: 'not after' })
    assert.deepEqual(await child.exited, { code: 1, signal: null })
    await template.eval(() => Object.assign(globalThis, { failAfter: false })).ready()
  })
})

describe('warm', () => {
  it('runs a function in the template as often as asked', async () => {
    const template = ForkProcess.exec().warm(hooks, 'count', [2], 3)
    assert.deepEqual(await answer(await template.fork().run(hooks, 'tellCount')), 6)
    await template.close()
  })

  it('that fails rejects with ERR_WARM_FAILED and its error', async () => {
    const template = ForkProcess.exec().warm(hooks, 'count', ['a'])
    await assert.rejects(template.ready(), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ERR_WARM_FAILED')
      return error.cause instanceof TypeError
    })
    assert.throws(() => ForkProcess.create().warm(hooks, 'count', [], 0), TypeError)
  })
})
