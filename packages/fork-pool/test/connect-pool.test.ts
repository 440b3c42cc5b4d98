import assert from 'node:assert/strict'
import { connectPool, ForkProcess, type PooledModule, poolOf } from '@anyfork/fork-pool'
import { assertNothingLeft, type Resources, resourcesAfter } from '@anyfork/test-support'
import { afterEach, before, describe, it } from 'mocha'
import { worker as module } from './support/pools.js'

type Module = typeof import('./fixtures/worker.js')

describe('connectPool()', () => {
  let worker: PooledModule<Module>
  let atRest: Resources
  before(async () => {
    atRest = await resourcesAfter(() => ForkProcess.create().close())
  })
  afterEach(async () => {
    await poolOf(worker).destroy()
    await assertNothingLeft(atRest)
  })

  it('connectPool() calls all functions of a module in the same workers, with their types', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const sum: number = await worker.add(1, 2)
    assert.equal(sum, 3)
    assert.equal(await worker.add.with({ timeout: 60_000, priority: 1, key: 'k' })(2, 3), 5)
    assert.equal(await worker.default('x'), 'X')
    assert.equal(await worker.pid(), (await worker.generations()).pid)
    assert.equal((await poolOf(worker).stats()).started, 1)
    // @ts-expect-error: the argument must be a number
    assert.equal(await worker.add('1', 2), '12')
    // @ts-expect-error: the module has no such function
    await assert.rejects(worker.absent(), { code: 'ERR_EXPORT_NOT_FOUND' })
  })

  it('a worker is busy until its stream has ended', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const numbers: number[] = []
    let next: Promise<number> | undefined
    for await (const number of worker.countTo(300)) {
      next ??= worker.add(1, 1)
      if (number < 10) assert.equal(poolOf(worker).workers[0]!.load, 1) // later, the rest may have arrived in advance
      numbers.push(number)
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: 300 }, (_, i) => i + 1),
    )
    assert.equal(await next, 2)
  })

  it('a stream that has arrived whole frees its worker and lets close() resolve, even if it is unread', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const unread = await worker.countTo(5)
    assert.equal(await worker.add(1, 1), 2)
    await poolOf(worker).close()
    const numbers: number[] = []
    for await (const number of unread) numbers.push(number)
    assert.deepEqual(numbers, [1, 2, 3, 4, 5])
  })

  it('a pooled module can be converted to a string and to JSON, without a call', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    assert.equal(JSON.stringify({ worker }), '{"worker":{}}')
    assert.equal(String(worker), '[object Remote]')
    assert.equal((await poolOf(worker).stats()).calls.failed, 0)
  })

  it('leaving a stream early frees its worker', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    for await (const number of worker.countTo(1e9)) if (number === 3) break
    assert.equal(await worker.add(1, 1), 2)
    assert.equal((await poolOf(worker).stats()).started, 1)
  })

  it('aborting the signal of its call rejects a stream and frees the worker', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const abort = new AbortController()
    await assert.rejects(
      async () => {
        for await (const number of worker.countTo.with({ signal: abort.signal })(1e9)) if (number === 3) abort.abort()
      },
      { name: 'AbortError' },
    )
    assert.equal(await worker.add(1, 1), 2)
  })

  it('close() waits for a stream that has not arrived whole', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const stream = await worker.countTo(100)
    const closed = poolOf(worker).close()
    let count = 0
    for await (const _ of stream) count++
    await closed
    assert.equal(count, 100)
  })

  it('a stream rejects with ERR_PROCESS_EXITED when its worker dies', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    await assert.rejects(
      async () => {
        for await (const number of worker.countTo(1e9))
          if (number === 3) process.kill(poolOf(worker).workers[0]!.pid, 'SIGKILL')
      },
      { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' },
    )
    assert.equal(await worker.add(1, 1), 2)
  })

  it('poolOf() throws TypeError for an object that is not a pooled module', () => {
    worker = connectPool<Module>(ForkProcess.create(), module)
    assert.throws(() => poolOf({}), TypeError)
  })
})
