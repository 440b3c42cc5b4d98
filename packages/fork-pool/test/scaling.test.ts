import assert from 'node:assert/strict'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools, worker } from './support/pools.js'

const forever = Infinity

describe('how many workers there are', () => {
  const start = usePools()

  it('none before the first call, by default', async () => {
    const pid = start('pid')
    assert.equal((await pid.stats()).started, 0)
    await pid()
    assert.equal(pid.workers.length, 1)
  })

  it('as many as idle from the beginning, and again when they have calls', async () => {
    const sleep = start('sleep', { idle: 2, max: 3, stop: forever })
    await until(() => sleep.workers.length === 2)
    const call = sleep(200)
    await until(() => sleep.workers.length === 3)
    await call
  })

  it('idle workers never make more than max', async () => {
    const sleep = start('sleep', { idle: 2, max: 2, stop: forever })
    await Promise.all([sleep(50), sleep(50), sleep(50)])
    assert.equal((await sleep.stats()).started, 2)
  })

  it('one for each call that waits, at once, by default', async () => {
    const sleep = start('sleep', { max: 4 })
    const calls = Promise.allSettled([1, 2, 3].map(() => sleep(60_000)))
    await until(() => sleep.workers.filter(one => one.state === 'busy').length === 3)
    assert.equal((await sleep.stats()).started, 3)
    await sleep.destroy()
    await calls
  })

  it('one more only after calls have waited for start', async () => {
    const sleep = start('sleep', { max: 4, start: 60_000 })
    await Promise.all([1, 2, 3].map(() => sleep(1)))
    assert.equal((await sleep.stats()).started, 1)
    const quick = start('sleep', { max: 4, start: 20 })
    const calls = Promise.allSettled([1, 2, 3].map(() => quick(60_000)))
    await until(() => quick.workers.length > 1)
    await quick.destroy()
    await calls
  })

  it('one less in each period of stop, down to idle', async () => {
    const sleep = start('sleep', { max: 4, idle: 1, stop: 10 })
    await Promise.all([1, 2, 3, 4].map(() => sleep(50)))
    await until(async () => (await sleep.stats()).workers.length === 1)
    assert.equal(await sleep(1, 'still there'), 'still there')
  })

  it('none as soon as there is no call, with stop 0', async () => {
    const pid = start('pid', { max: 2, stop: 0 })
    const first = await pid()
    await until(async () => (await pid.stats()).workers.length === 0)
    assert.notEqual(await pid(), first)
  })

  it('a worker has as many calls as load, and the least loaded gets the next', async () => {
    const spin = start('sleep', { max: 2, load: 3, start: 0 })
    await Promise.all([spin(50), spin(50)])
    const calls = Array.from({ length: 7 }, () => spin(50))
    assert.deepEqual(
      spin.workers.map(one => one.load),
      [3, 3],
    )
    assert.equal((await spin.stats()).calls.waiting, 1)
    await Promise.all(calls)
  })

  it('the worker that was busy last gets the next call, so that others may end', async () => {
    const pid = start('pidAfter', { max: 3, stop: forever })
    await Promise.all([pid(30), pid(30), pid(30)])
    const first = await pid(0)
    for (let i = 0; i < 5; i++) assert.equal(await pid(0), first)
  })

  it('calls run at the same time in one asynchronous worker', async () => {
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

  it('spare processes are forked ahead, become workers, and are replaced', async () => {
    const pid = start('pid', { max: 2, spare: 3 })
    await until(async () => (await pid.stats()).spares === 3)
    assert.equal((await pid.stats()).started, 0)
    await pid()
    await until(async () => (await pid.stats()).spares === 3)
    assert.equal((await pid.stats()).started, 1)
  })

  it('a program ends that has workers, spares and no call', async () => {
    const { execFile } = await import('node:child_process')
    const { promisify } = await import('node:util')
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const basename = pool(ForkProcess.create(), 'node:path', 'basename', { idle: 2, max: 4, spare: 2, start: 10, recycle: { pss: 1e9 } })
      console.log(await basename('/a/b'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, 'b\n')
  })

  it('a program does not end while a call waits for start', async () => {
    const { execFile } = await import('node:child_process')
    const { promisify } = await import('node:util')
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const act = pool(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'spinOrCount', { max: 2, start: 300 })
      const values = await act('count', 1e9)
      await values.next()
      console.log(await act('spin', 0))
      await values.return()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, 'spin\n')
  })
})
