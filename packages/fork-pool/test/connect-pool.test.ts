import assert from 'node:assert/strict'
import { connectPool, ForkProcess, type PooledModule, poolOf } from '@anyfork/fork-pool'
import { assertNothingLeft, type Resources as Holdings, openResources as holdings } from '@anyfork/test-support'
import { afterEach, before, describe, it } from 'mocha'
import { worker as module } from './support/pools.js'

type Module = typeof import('./fixtures/worker.js')

describe('connectPool', () => {
  let worker: PooledModule<Module>
  let atRest: Holdings
  before(async () => {
    await ForkProcess.create().close()
    atRest = holdings()
  })
  afterEach(async () => {
    await poolOf(worker).destroy()
    await assertNothingLeft(atRest)
  })

  it('calls all functions of a module, in the same workers, with their types', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const sum: number = await worker.add(1, 2)
    assert.equal(sum, 3)
    assert.equal(await worker.add.with({ timeout: 5000, priority: 1, key: 'k' })(2, 3), 5)
    assert.equal(await worker.default('x'), 'X')
    assert.equal(await worker.pid(), (await worker.generations()).pid)
    assert.equal((await poolOf(worker).stats()).started, 1)
    // @ts-expect-error: a number is wanted
    assert.equal(await worker.add('1', 2), '12')
    // @ts-expect-error: no such function
    await assert.rejects(worker.absent(), { code: 'ERR_EXPORT_NOT_FOUND' })
  })

  it('iterates over what functions yield, and their worker is busy until that is over', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const numbers: number[] = []
    let next: Promise<number> | undefined
    for await (const number of worker.countTo(1000)) {
      next ??= worker.add(1, 1)
      if (number < 900) assert.equal(poolOf(worker).workers[0]!.load, 1) // the last ones come ahead
      numbers.push(number)
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: 1000 }, (_, i) => i + 1),
    )
    assert.equal(await next, 2)
  })

  it('a function that has yielded all is over, read or not: its worker is free, and close() waits for nobody', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const unread = await worker.countTo(5)
    assert.equal(await worker.add(1, 1), 2)
    await poolOf(worker).close()
    const numbers: number[] = []
    for await (const number of unread) numbers.push(number)
    assert.deepEqual(numbers, [1, 2, 3, 4, 5])
  })

  it('can be looked at: as text, as JSON', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    assert.equal(JSON.stringify({ worker }), '{"worker":{}}')
    assert.equal(String(worker), '[object Remote]')
    assert.equal((await poolOf(worker).stats()).calls.failed, 0)
  })

  it('a stream that is left early frees its worker', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    for await (const number of worker.countTo(1e9)) if (number === 3) break
    assert.equal(await worker.add(1, 1), 2)
    assert.equal((await poolOf(worker).stats()).started, 1)
  })

  it('a stream ends with the signal of its call', async () => {
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

  it('close() waits for streams', async () => {
    worker = connectPool<Module>(ForkProcess.create(), module, { max: 1 })
    const stream = await worker.countTo(100)
    const closed = poolOf(worker).close()
    let count = 0
    for await (const _ of stream) count++
    await closed
    assert.equal(count, 100)
  })

  it('a stream rejects when its worker dies', async () => {
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

  it('poolOf() wants a pool', () => {
    worker = connectPool<Module>(ForkProcess.create(), module)
    assert.throws(() => poolOf({}), TypeError)
  })
})
