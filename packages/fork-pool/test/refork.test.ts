import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess } from '@anyfork/fork-pool'
import { isSoak, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

interface Answer {
  count: number
  pid: number
}

const generations = isSoak ? 10 : 2

describe('refork', function () {
  this.timeout(240_000)
  const start = usePools()

  for (const async of [false, true]) {
    it(`${async ? 'an asynchronous' : 'a synchronous'} worker that has had that many calls becomes the template`, async () => {
      const errors: Error[] = []
      const call = start('generations', { max: 2, async, refork: [20, Infinity], onError: error => errors.push(error) })
      const before = (await call.stats()).template.pid
      const answers: Answer[] = []
      while ((await call.stats()).template.pid === before && !errors.length) answers.push((await call()) as Answer)
      assert.deepEqual(errors, [])
      await until(async () => ((await call()) as Answer).count > 20) // an older worker may still get calls
      assert.equal((await call.stats()).calls.failed, 0)
      assert.ok(!answers.some(answer => answer.count > answers.length))
    })
  }

  it('a reload that ends the worker before it is forked is not reported as an error', async () => {
    const errors: Error[] = []
    const sleep = start('sleep', { max: 2, refork: 5, onError: error => errors.push(error) }, () => ForkProcess.exec())
    await sleep(0)
    const reloaded = sleep.reload()
    await Promise.all(Array.from({ length: 40 }, () => sleep(5)))
    await reloaded
    await sleep.reload() // after the refork
    assert.deepEqual(errors, [])
  })

  it(`${generations} generations of templates lose no call`, async () => {
    const errors: Error[] = []
    const call = start('generations', { max: 2, load: 2, refork: 10, onError: error => errors.push(error) }, () =>
      ForkProcess.exec(),
    )
    const templates = new Set<number | undefined>()
    let most = 0
    let pids = ''
    while (templates.size <= generations && !errors.length) {
      const answers = (await Promise.all(Array.from({ length: 6 }, () => call()))) as Answer[]
      most = Math.max(most, ...answers.map(answer => answer.count))
      const before = pids
      pids = call.workers.map(worker => worker.pid).join()
      if (pids !== before) templates.add((await call.stats()).template.pid) // measures memory, which takes long
      await setTimeout(20) // leaves the processor to the forks
    }
    assert.deepEqual(errors, [])
    assert.ok(most >= 10 * generations, `${most}`)
    const { calls } = await call.stats()
    assert.equal(calls.failed, 0)
  })

  it('a worker that takes more than two seconds to be forked becomes the template', async () => {
    const errors: Error[] = []
    const options = { max: 1, refork: [2, Infinity], onError: (error: Error) => errors.push(error) }
    const call = start('generations', options, () =>
      ForkProcess.exec({ mode: 'fork' }).eval(async () => {
        const { beforeFork } = await import('@anyfork/fork')
        beforeFork(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500))
      }),
    )
    await Promise.all([call(), call()])
    const before = (await call.stats()).template.pid
    await until(async () => errors.length > 0 || (await call.stats()).template.pid !== before)
    assert.deepEqual(errors, [])
    assert.equal(((await call()) as Answer).count, 3)
  })

  it('a worker that has just sent many answers at once is forked', async () => {
    const call = start('generations', { max: 1, load: 20, refork: [200, Infinity] }, () =>
      ForkProcess.exec({ mode: 'fork' }),
    )
    const before = (await call.stats()).template.pid
    await Promise.all(Array.from({ length: 200 }, () => call()))
    await until(async () => (await call.stats()).template.pid !== before)
    assert.ok(((await call()) as Answer).count > 200)
    const { mode, obstacle } = (await call.stats()).template
    assert.deepEqual([mode, obstacle], ['fork', undefined])
  })

  it('a worker that dies before it is forked costs no later call', async () => {
    const call = start('generations', { max: 2, refork: 5 })
    const { pid } = (await call()) as Answer
    const calls = Array.from({ length: 4 }, () => call(10))
    calls.push(call(100)) // after it, the worker would be forked
    await Promise.allSettled(calls.slice(0, 3))
    process.kill(pid, 'SIGKILL')
    await Promise.allSettled(calls)
    assert.equal(typeof ((await call()) as Answer).count, 'number')
  })

  for (const how of ['close', 'destroy'] as const) {
    it(`a refork that comes too late because of ${how}() is not reported as an error`, async () => {
      const errors: Error[] = []
      const call = start('generations', { max: 1, refork: 2, onError: error => errors.push(error) })
      await Promise.all([call(), call()])
      await call[how]()
      assert.deepEqual(errors, [])
    })
  }

  it('a refork that fails because no descriptor is free costs no call, and is reported to onError', async () => {
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
