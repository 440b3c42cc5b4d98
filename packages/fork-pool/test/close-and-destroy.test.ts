import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { drain, reasonOf, usePools } from './support/pools.js'

describe('close() and destroy()', () => {
  const start = usePools()

  it('close() waits for all calls, even those that have no worker yet', async () => {
    const sleep = start('sleep', { max: 1 })
    const calls = [3, 2, 1].map(value => sleep(value * 5, value))
    await sleep.close()
    assert.deepEqual(await Promise.all(calls), [3, 2, 1])
  })

  it('close({ timeout }) rejects the calls that take longer with ERR_POOL_DESTROYED', async () => {
    const sleep = start('sleep', { max: 1 })
    const calls = [sleep(0, 1), sleep(60_000), sleep(0)]
    const reasons = Promise.all(calls.map(reasonOf))
    await calls[0]
    await sleep.close({ timeout: 20 })
    assert.deepEqual(
      (await reasons).map(reason => reason?.code),
      [undefined, 'ERR_POOL_DESTROYED', 'ERR_POOL_DESTROYED'],
    )
  })

  it('close({ timeout }) ends a busy worker that is stopped', async () => {
    const act = start('doAs', { max: 1 })
    const stopped = reasonOf(act('stop'))
    await until(() => act.workers[0]?.load === 1 && isStopped(act.workers[0].pid))
    await act.close({ timeout: 0 })
    assert.equal((await stopped)?.code, 'ERR_POOL_DESTROYED')
  })

  it('close() ends an idle worker that is stopped', async () => {
    const pid = start('pid', { max: 1 })
    process.kill((await pid()) as number, 'SIGSTOP')
    await pid.close()
  })

  it('destroy() rejects all waiting, running, and later calls with ERR_POOL_DESTROYED', async () => {
    const sleep = start('sleep', { max: 2, load: 2 })
    await sleep(0)
    const reasons = Promise.all(Array.from({ length: 10 }, () => reasonOf(sleep(60_000))))
    await sleep.destroy()
    for (const reason of await reasons) assert.equal(reason?.code, 'ERR_POOL_DESTROYED')
    assert.equal((await reasonOf(sleep(0)))?.code, 'ERR_POOL_DESTROYED')
  })

  for (const how of ['destroy()', 'close({ timeout })']) {
    it(`${how} rejects the calls of a key that wait behind others`, async () => {
      const sleep = start('sleep', { max: 1 })
      const keyed = sleep.with({ key: 'k' })
      await keyed(0)
      const reasons = Promise.all([keyed(60_000), sleep(0), keyed(0), sleep(0), keyed(0)].map(reasonOf))
      await (how === 'destroy()' ? sleep.destroy() : sleep.close({ timeout: 0 }))
      for (const reason of await reasons) assert.equal(reason?.code, 'ERR_POOL_DESTROYED')
      await sleep.drained()
    })
  }

  it('destroy() rejects a call of a key whose worker is busy with a stream, and ends the stream', async () => {
    const count = start('countTo', { max: 1, async: true, retries: 1 })
    const keyed = count.with({ key: 'k' })
    const values = (await keyed(1e9)) as AsyncIterableIterator<number>
    await values.next()
    const waiting = reasonOf(keyed(1))
    await count.destroy()
    assert.equal((await waiting)?.code, 'ERR_POOL_DESTROYED')
    await assert.rejects(drain(values), { code: 'ERR_PROCESS_EXITED' }) // after the values that have arrived
  })

  it('destroy() during close() rejects the calls, and both resolve', async () => {
    const sleep = start('sleep', { max: 1 })
    const call = reasonOf(sleep(60_000))
    const closed = sleep.close()
    await Promise.all([sleep.destroy(), closed, sleep.destroy(), sleep.close()])
    assert.equal((await call)?.code, 'ERR_POOL_DESTROYED')
  })

  it('destroy() while workers start leaves no process behind', async () => {
    const sleep = start('sleep', { max: 4, idle: 2, spare: 2 })
    const calls = [1, 2, 3, 4].map(() => reasonOf(sleep(0)))
    await sleep.destroy()
    for (const call of calls) assert.equal((await call)?.code, 'ERR_POOL_DESTROYED')
  })

  it('onDestroy is called once, however often the pool is closed', async () => {
    let calls = 0
    const pid = start('pid', { max: 1, onDestroy: () => calls++ })
    await pid()
    await Promise.all([pid.close(), pid.close()])
    await pid.destroy()
    assert.equal(calls, 1)
  })

  it('`await using` closes the pool, which waits for its calls', async () => {
    let call
    {
      await using sleep = start('sleep', { max: 1 })
      call = sleep(20, 'done')
    }
    assert.equal(await call, 'done')
  })

  it('close() throws TypeError for an invalid timeout, an unknown option, or options that are not an object', () => {
    const pid = start('pid')
    for (const timeout of [-1, NaN, '1']) assert.throws(() => pid.close({ timeout: timeout as number }), TypeError)
    for (const options of [100, { timout: 100 }])
      assert.throws(() => pid.close(options as object), { name: 'TypeError', message: /close\(\)/ })
  })
})

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}
