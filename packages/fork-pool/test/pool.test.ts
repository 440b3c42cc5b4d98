import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { isRunning } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools, worker } from './support/pools.js'

describe('pool()', () => {
  const start = usePools()
  const pathOf = useFolder()

  it('a pool calls its function in max processes at the same time, and in no others', async () => {
    const folder = pathOf('meeting')
    mkdirSync(folder)
    const meet = start('meet', { max: 3 })
    await Promise.all([meet(folder, 3), meet(folder, 3), meet(folder, 3)])
    const [pids] = (await Promise.all(Array.from({ length: 30 }, () => meet(folder, 3)))) as [string[]]
    assert.equal(pids.length, 3)
    assert.deepEqual(new Set(pids), new Set(meet.workers.map(one => `${one.pid}`)))
  })

  it('a worker runs one call at a time', async () => {
    const spans = (await Promise.all(Array.from({ length: 4 }, start('now', { max: 1 })))) as [number, number][]
    for (let i = 1; i < spans.length; i++) assert.ok(spans[i]![0] >= spans[i - 1]![1])
  })

  it('calls begin in the order in which they were made', async () => {
    const sleep = start('sleep', { max: 1 })
    const done: unknown[] = []
    await Promise.all([5, 4, 3, 2, 1].map(async value => done.push(await sleep(value, value))))
    assert.deepEqual(done, [5, 4, 3, 2, 1])
  })

  it('a worker that exits is replaced, and only the call that it was running rejects', async () => {
    const echo = start('exitOrEcho')
    const inputs = Array.from({ length: 40 }, (_, i) => (i % 10 === 5 ? 'exit' : i))
    const settled = await Promise.allSettled(inputs.map(input => echo(input)))
    for (const [i, outcome] of settled.entries()) {
      if (inputs[i] !== 'exit') assert.deepEqual(outcome, { status: 'fulfilled', value: i })
      else assert.equal((outcome as PromiseRejectedResult).reason.exitCode, 3)
    }
  })

  it('a call succeeds even if the idle worker was killed and the pool has not noticed', async () => {
    const pid = start('pid', { max: 1 })
    for (let round = 0; round < 8; round++) {
      const first = (await pid()) as number
      process.kill(first, 'SIGKILL')
      while (isRunning(first)); // without a turn of the event loop
      assert.notEqual(await pid(), first)
    }
  })

  it('every call rejects with ERR_EXPORT_NOT_FOUND if the module has no such function', async () => {
    const absent = start('absent')
    for (const reason of await Promise.all([1, 2, 3].map(() => reasonOf(absent()))))
      assert.equal(reason?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('a call rejects with ERR_MODULE_NOT_FOUND, which names the module, if there is no such module', async () => {
    const call = pool(ForkProcess.create(), '/no/such.js', 'f')
    await assert.rejects(call(), { code: 'ERR_MODULE_NOT_FOUND', message: /\/no\/such\.js/ })
    await call.destroy()
  })

  it('a closed pool completes its calls, and rejects later ones with ERR_POOL_CLOSED', async () => {
    const sleep = start('sleep')
    const calls = [1, 2, 3, 4].map(value => sleep(5, value))
    await Promise.all([sleep.close(), sleep.close()])
    assert.deepEqual(await Promise.all(calls), [1, 2, 3, 4])
    await assert.rejects(sleep(1), { code: 'ERR_POOL_CLOSED' })
  })

  it('workers lists the calls and the start time of each worker', async () => {
    const pid = start('pid', { max: 1 })
    await pid()
    await pid()
    const [figures, ...others] = pid.workers
    assert.equal(others.length, 0)
    assert.equal(figures!.calls, 2)
    assert.ok(figures!.startMilliseconds > 0)
  })

  it('pool() throws TypeError for a relative path, an empty name, or an invalid max', async () => {
    const template = ForkProcess.create()
    assert.throws(() => pool(template, './worker.js', 'f'), TypeError)
    assert.throws(() => pool(template, worker, ''), TypeError)
    for (const max of [0, -1, 1.5, NaN]) assert.throws(() => pool(template, worker, 'pid', { max }), TypeError)
    await template.close()
  })
})
