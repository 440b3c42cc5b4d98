import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools, valuesOf } from './support/pools.js'

const MEGABYTE = 1 << 20

describe('the option memory', () => {
  const start = usePools()

  for (const async of [false, true]) {
    const kind = async ? 'an async' : 'a synchronous'
    const then = async ? 'wait' : 'loop'

    it(`rejects the call of ${kind} worker that has more with ERR_POOL_MEMORY, and replaces the worker`, async () => {
      const keepAnd = start('keepAnd', { max: 1, async, memory: 150 * MEGABYTE })
      const pid = await keepAnd(1)
      await assert.rejects(keepAnd(200, then), { name: 'PoolError', code: 'ERR_POOL_MEMORY' })
      assert.notEqual(await keepAnd(1), pid)
      const { done, failed, lost } = (await keepAnd.stats()).calls
      assert.deepEqual({ done, failed, lost }, { done: 2, failed: 1, lost: 0 })
    })

    it(`does not repeat the call of ${kind} worker, although retries allows it`, async () => {
      const keepAnd = start('keepAnd', { max: 1, async, memory: 150 * MEGABYTE, retries: 3 })
      await assert.rejects(keepAnd(200, then), { code: 'ERR_POOL_MEMORY' })
      assert.equal((await keepAnd.stats()).calls.retried, 0)
    })
  }

  it('rejects all calls of an async worker', async () => {
    const keepAnd = start('keepAnd', { max: 1, load: 3, async: true, memory: 150 * MEGABYTE })
    const codes = [1, 1, 200].map(megabytes => reasonOf(keepAnd(megabytes, 'wait')).then(reason => reason?.code))
    assert.deepEqual(await Promise.all(codes), Array(3).fill('ERR_POOL_MEMORY'))
  })

  it('moves calls that a synchronous worker has not begun to another worker', async () => {
    const keepAnd = start('keepAnd', { max: 1, load: 3, memory: 150 * MEGABYTE })
    const large = assert.rejects(keepAnd(200, 'loop'), { code: 'ERR_POOL_MEMORY' })
    const [one, other] = await Promise.all([keepAnd(1), keepAnd(1)])
    assert.equal(one, other)
    await large
  })

  it('replaces a worker that has more after its last call', async () => {
    const keepAnd = start('keepAnd', { max: 1, memory: 150 * MEGABYTE })
    await reasonOf(keepAnd(200)) // may be killed while it runs
    await until(() => keepAnd.workers.length === 0)
  })

  it('counts memory that workers share in part', async () => {
    const template = (): ForkProcess =>
      ForkProcess.exec({ mode: 'fork' }).eval(`globalThis.kept = Buffer.alloc(${200 * MEGABYTE}, 1)`)
    const spin = start('spin', { max: 1, memory: 180 * MEGABYTE }, template)
    assert.equal(await spin(500, 'done'), 'done') // the pool looks several times
    const { pss, rss } = (await spin.stats()).workers[0]!.memory!
    assert.ok(pss < 180 * MEGABYTE && rss > 180 * MEGABYTE, `${pss} ${rss}`)
  })
})

describe('the option cpuMs', () => {
  const start = usePools()

  for (const async of [false, true])
    it(`rejects a call of ${async ? 'an async' : 'a synchronous'} worker that takes more with ERR_POOL_CPU`, async () => {
      const act = start('doAs', { max: 1, async, cpuMs: 50, retries: 3 })
      await assert.rejects(act('loop'), { name: 'PoolError', code: 'ERR_POOL_CPU' })
      assert.equal(await act('a'), 'a')
      const { done, failed, retried } = (await act.stats()).calls
      assert.deepEqual({ done, failed, retried }, { done: 1, failed: 1, retried: 0 })
    })

  it('counts each call from its beginning', async () => {
    const spin = start('spin', { max: 1, load: 2, cpuMs: 200 })
    const values = Array.from({ length: 12 }, (_, i) => spin(40, i))
    assert.deepEqual(await Promise.all(values), [...values.keys()])
    assert.equal((await spin.stats()).started, 1)
  })

  it('does not count the time that a call waits', async () => {
    const sleep = start('sleep', { max: 1, cpuMs: 50 })
    assert.equal(await sleep(300, 'done'), 'done')
  })

  it('can be set for a call', async () => {
    const act = start('doAs', { max: 1, cpuMs: 1e9 })
    await assert.rejects(act.with({ cpuMs: 50 })('loop'), {
      code: 'ERR_POOL_CPU',
      message: 'the call has exceeded its limit of 50 ms of processor time',
    })
    const other = start('spin', { max: 1, cpuMs: 50 })
    assert.equal(await other.with({ cpuMs: Infinity })(200, 'done'), 'done')
  })

  it('applies to isolated calls', async () => {
    const act = start('doAs', { max: 2, isolate: true, cpuMs: 50 })
    const [loop, a] = await Promise.allSettled([act('loop'), act('a')])
    assert.equal((loop as PromiseRejectedResult).reason.code, 'ERR_POOL_CPU')
    assert.equal(a.status, 'fulfilled')
  })

  it('is the cause of the error with which other calls of an async worker reject', async () => {
    const act = start('doAs', { max: 1, load: 2, async: true })
    const other = reasonOf(act('wait', 1e6))
    await assert.rejects(act.with({ cpuMs: 50 })('loop'), { code: 'ERR_POOL_CPU' })
    const { code, cause, message } = (await other)!
    assert.equal(code, 'ERR_PROCESS_EXITED')
    assert.equal((cause as { code: string }).code, 'ERR_POOL_CPU')
    assert.match(message, /ended by SIGKILL$/)
  })

  it('ends a stream, whose error has ERR_POOL_CPU as its cause', async () => {
    const spin = start('countThenSpin', { max: 1, cpuMs: 50 })
    const values = valuesOf(spin('/dev/null'))
    assert.deepEqual(await values.next(), { done: false, value: 1 })
    const { code, cause } = (await reasonOf(values.next()))!
    assert.deepEqual([code, (cause as { code: string }).code], ['ERR_PROCESS_EXITED', 'ERR_POOL_CPU'])
  })
})
