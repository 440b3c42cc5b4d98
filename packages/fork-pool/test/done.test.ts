import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { pipe } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork-pool'
import { tagOf, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import * as functions from './fixtures/worker.js'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools } from './support/pools.js'

describe('the option done', () => {
  const start = usePools()
  const pathOf = useFolder()
  const endedWith = (file: string): number[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []

  for (const async of [false, true])
    it(`is called in each worker when the pool closes, and its promise is awaited; async: ${async}`, async () => {
      const file = pathOf('ends')
      const note = start('noteIntoAnd', { max: 1, done: 'noteEnd', async })
      const pid = await note(file, 'pid')
      await note.close()
      assert.deepEqual(endedWith(file), [pid])
    })

  for (const [what, options] of [
    ['its last call', { recycle: { calls: 1 } }],
    ['its only call', { isolate: true }],
    ['being idle', { stop: 0 }],
  ] as const)
    it(`is called in a worker that ends after ${what}`, async () => {
      const file = pathOf('ends')
      const note = start('noteIntoAnd', { max: 1, done: 'noteEnd', ...options })
      const pid = (await note(file, 'pid')) as number
      await untilGone(pid)
      assert.deepEqual(endedWith(file), [pid])
    })

  it('is called in a worker that retires, and in one that reload() replaces', async () => {
    const file = pathOf('ends')
    const note = start('noteIntoAnd', { max: 1, done: 'noteEnd' })
    await note(file, 'retire')
    const second = (await note(file, 'pid')) as number
    await note.reload()
    const ended = endedWith(file)
    assert.deepEqual([ended.length, ended[1]], [2, second])
  })

  it('is not called in a worker that exits by itself or is killed', async () => {
    const file = pathOf('ends')
    const note = start('noteIntoAnd', { max: 1, done: 'noteEnd' })
    for (const what of ['exit', 'kill']) assert.equal((await reasonOf(note(file, what)))?.code, 'ERR_PROCESS_EXITED')
    await note
      .with({ timeout: 20 })(file, 'loop')
      .catch(() => {})
    await note(file, 'a')
    await note.destroy()
    assert.deepEqual(endedWith(file), [])
  })

  it('prints its error, and the pool closes', async () => {
    const [readEnd, writeEnd] = pipe()
    const template = (): ForkProcess => ForkProcess.exec({ stdio: ['ignore', 'ignore', writeEnd] })
    const pid = start('pid', { max: 1, done: 'failAtEnd' }, template)
    await pid()
    await pid.close()
    writeEnd.close()
    assert.match(tagOf(readEnd), /Error: failed at the end\n {4}at failAtEnd/)
    assert.deepEqual((await pid.stats()).died, 0)
  })

  it('must be exported: calls reject with ERR_EXPORT_NOT_FOUND', async () => {
    assert.equal((await reasonOf(start('pid', { done: 'noSuch' })()))?.code, 'ERR_EXPORT_NOT_FOUND')
  })
})

describe('the functions of a worker in a unit test', () => {
  const start = usePools()

  it('event() and retire() do nothing, and isWorker() is false', async () => {
    assert.equal(functions.emitPid(), process.pid)
    assert.equal(functions.retireAfter(true), process.pid)
    assert.equal(functions.inWorker(), false)
    assert.equal(await start('inWorker')(), true)
  })
})
