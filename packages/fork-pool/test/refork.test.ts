import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

interface Answer {
  count: number
  pid: number
}

describe('refork', function () {
  this.timeout(180_000)
  const start = usePools()

  for (const async of [false, true]) {
    it(`makes a worker that has had so many calls the template of all, ${async ? 'asynchronous' : 'synchronous'}`, async () => {
      const errors: Error[] = []
      const call = start('generations', { max: 2, async, refork: [20, Infinity], onError: error => errors.push(error) })
      const before = (await call.stats()).template.pid
      const answers: Answer[] = []
      while ((await call.stats()).template.pid === before && !errors.length) answers.push((await call()) as Answer)
      assert.deepEqual(errors, [])
      await until(async () => ((await call()) as Answer).count > 20) // a worker of before may still get calls
      assert.equal((await call.stats()).calls.failed, 0)
      assert.ok(!answers.some(answer => answer.count > answers.length))
    })
  }

  it('is no error where a reload ends the worker before its turn', async () => {
    const errors: Error[] = []
    const sleep = start('sleep', { max: 2, refork: 5, onError: error => errors.push(error) }, () => ForkProcess.exec())
    await sleep(0)
    const reloaded = sleep.reload()
    await Promise.all(Array.from({ length: 40 }, () => sleep(10)))
    await reloaded
    await setTimeout(200)
    await sleep.close()
    assert.deepEqual(errors, [])
  })

  it('goes on for ten generations, and loses no call', async () => {
    const errors: Error[] = []
    const call = start('generations', { max: 2, load: 2, refork: 10, onError: error => errors.push(error) }, () =>
      ForkProcess.exec(),
    )
    const templates = new Set<number | undefined>()
    let most = 0
    while (templates.size < 11 && !errors.length) {
      const answers = (await Promise.all(Array.from({ length: 6 }, () => call()))) as Answer[]
      most = Math.max(most, ...answers.map(answer => answer.count))
      templates.add((await call.stats()).template.pid)
      await setTimeout(5) // what is forked needs a processor, too
    }
    assert.deepEqual(errors, [])
    assert.ok(most >= 100, `${most}`)
    const { calls } = await call.stats()
    assert.equal(calls.failed, 0)
  })

  it('that fails, because the worker dies, changes nothing, and is told', async () => {
    const errors: Error[] = []
    const call = start('generations', { max: 2, refork: 5, onError: error => errors.push(error) })
    const { pid } = (await call()) as Answer
    const calls = Array.from({ length: 4 }, () => call(20))
    calls.push(call(200)) // the one after which it would be copied
    await Promise.allSettled(calls.slice(0, 3))
    process.kill(pid, 'SIGKILL')
    await Promise.allSettled(calls)
    assert.ok(typeof ((await call()) as Answer).count === 'number')
  })

  for (const how of ['close', 'destroy'] as const) {
    it(`that comes too late, because of ${how}(), is no error`, async () => {
      const errors: Error[] = []
      const call = start('generations', { max: 1, refork: 2, onError: error => errors.push(error) })
      await Promise.all([call(), call()])
      await call[how]()
      assert.deepEqual(errors, [])
    })
  }

  it('that fails, because there is no room for a copy, costs no call, and is told', async () => {
    const errors: (Error & { code?: string })[] = []
    const call = start('generations', { max: 1, load: 2, refork: 3, onError: error => errors.push(error) })
    await call()
    const { refork } = ForkProcess.prototype
    ForkProcess.prototype.refork = () => {
      throw Object.assign(new Error('no descriptor is free'), { code: 'EMFILE' })
    }
    try {
      assert.deepEqual(
        ((await Promise.all([call(), call()])) as Answer[]).map(({ count }) => count),
        [2, 3],
      )
      await until(() => errors.length > 0)
      assert.equal(((await call()) as Answer).count, 1)
      assert.deepEqual(
        errors.map(({ code }) => code),
        ['EMFILE'],
      )
    } finally {
      ForkProcess.prototype.refork = refork
    }
  })
})
