import assert from 'node:assert/strict'
import { outputOf, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools, worker } from './support/pools.js'

describe('scaling', () => {
  const start = usePools()

  it('by default, a pool has no worker before the first call', async () => {
    const pid = start('pid')
    assert.equal((await pid.stats()).started, 0)
    await pid()
    assert.equal(pid.workers.length, 1)
  })

  it('idle workers are started with the pool, and replaced by others when they get calls', async () => {
    const sleep = start('sleep', { idle: 2, max: 3, stop: Infinity })
    await until(() => sleep.workers.length === 2)
    const call = reasonOf(sleep(60_000))
    await until(() => sleep.workers.length === 3)
    await sleep.destroy()
    await call
  })

  it('idle workers count towards max', async () => {
    const sleep = start('sleep', { idle: 2, max: 2, stop: Infinity })
    await Promise.all([sleep(10), sleep(10), sleep(10)])
    assert.equal((await sleep.stats()).started, 2)
  })

  it('by default, a worker is started at once for each waiting call', async () => {
    const sleep = start('sleep', { max: 4 })
    const calls = Promise.allSettled([1, 2, 3].map(() => sleep(60_000)))
    await until(() => sleep.workers.filter(one => one.state === 'busy').length === 3)
    assert.equal((await sleep.stats()).started, 3)
    await sleep.destroy()
    await calls
  })

  it('start delays each worker after the first', async () => {
    const sleep = start('sleep', { max: 4, start: 60_000 })
    await Promise.all([1, 2, 3].map(() => sleep(1)))
    assert.equal((await sleep.stats()).started, 1)
    const quick = start('sleep', { max: 4, start: 20 })
    const calls = Promise.allSettled([1, 2, 3].map(() => quick(60_000)))
    await until(() => quick.workers.length > 1)
    await quick.destroy()
    await calls
  })

  it('stop ends surplus workers until as many as idle are left', async () => {
    const sleep = start('sleep', { max: 4, idle: 1, stop: 10 })
    await Promise.all([1, 2, 3, 4].map(() => sleep(20)))
    await until(async () => (await sleep.stats()).workers.length === 1)
    assert.equal(await sleep(1, 'still there'), 'still there')
  })

  it('stop 0 ends each worker as soon as it is idle', async () => {
    const pid = start('pid', { max: 2, stop: 0 })
    const first = await pid()
    await until(async () => (await pid.stats()).workers.length === 0)
    assert.notEqual(await pid(), first)
  })

  it('each worker has up to load calls, and other calls wait', async () => {
    const sleep = start('sleep', { max: 2, load: 3, idle: 2 })
    await until(() => sleep.workers.length === 2)
    const calls = Array.from({ length: 7 }, () => sleep(20))
    assert.deepEqual(
      sleep.workers.map(one => one.load),
      [3, 3],
    )
    assert.equal((await sleep.stats()).calls.waiting, 1)
    await Promise.all(calls)
  })

  it('the worker that was busy last gets the next call, so that others can end', async () => {
    const pid = start('pidAfter', { max: 3, stop: Infinity })
    await Promise.all([pid(10), pid(10), pid(10)])
    const first = await pid(0)
    for (let i = 0; i < 5; i++) assert.equal(await pid(0), first)
  })

  it('the calls of an asynchronous worker run at the same time', async () => {
    const sleep = start('sleep', { max: 1, load: 50, async: true })
    await sleep(0)
    const calls = Array.from({ length: 50 }, (_, i) => sleep(50 - i, i))
    const order: unknown[] = []
    await Promise.all(calls.map(async call => order.push(await call)))
    assert.notDeepEqual(
      order,
      order.toSorted((a, b) => Number(a) - Number(b)),
    )
    assert.equal((await sleep.stats()).started, 1)
  })

  it('spare workers are started in advance, are taken, and are replaced', async () => {
    const pid = start('pid', { max: 2, spare: 3 })
    await until(async () => (await pid.stats()).spares === 3)
    assert.equal((await pid.stats()).started, 0)
    await pid()
    await until(async () => (await pid.stats()).spares === 3)
    assert.equal((await pid.stats()).started, 1)
  })

  it('a program ends while its pool has idle workers and spare workers', async () => {
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const basename = pool(ForkProcess.create(), 'node:path', 'basename', { idle: 2, max: 4, spare: 2, start: 10, recycle: { pss: 1e9 } })
      console.log(await basename('/a/b'))`
    assert.equal(await outputOf(program), 'b\n')
  })

  it('a program does not end while a call waits for the time of start', async () => {
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const act = pool(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'spinOrCount', { max: 2, start: 100 })
      const values = await act('count', 1e9)
      await values.next()
      console.log(await act('spin', 0))
      await values.return()`
    assert.equal(await outputOf(program), 'spin\n')
  })
})
