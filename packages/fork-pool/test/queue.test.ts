import assert from 'node:assert/strict'
import { queryObjects } from 'node:v8'
import { ForkProcess } from '@anyfork/fork-pool'
import { collectGarbage, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { drain, reasonOf, usePools } from './support/pools.js'

describe('queue', () => {
  const start = usePools()

  it('calls run by priority, and in order within a priority', async () => {
    const sleep = start('sleep', { max: 1 })
    const order: unknown[] = []
    const call = async (priority: number, value: string): Promise<void> =>
      void order.push(await sleep.with({ priority })(0, value))
    await Promise.all([
      sleep(30),
      call(0, 'a'),
      call(-1, 'z'),
      call(5, 'first'),
      call(0, 'b'),
      call(5, 'second'),
      call(0.5, 'third'),
    ])
    assert.deepEqual(order, ['first', 'second', 'third', 'a', 'b', 'z'])
  })

  it('isolated calls keep their order when their processes cannot be started', async () => {
    const templates: ForkProcess[] = []
    let failures = 4
    const sleep = start('sleep', { isolate: true, max: 2 }, () => {
      if (templates.length && failures-- > 0)
        throw Object.assign(new Error('no descriptor is free'), { code: 'EMFILE', syscall: 'socketpair' })
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    templates[0]!.kill('SIGKILL')
    await until(() => !templates[0]!.isAlive)
    const calls = ['a', 'b', 'c'].map(value => reasonOf(sleep(60_000, value)))
    const begun = async (): Promise<unknown[]> =>
      (await sleep.stats()).workers.flatMap(({ running }) => running?.args[1] ?? [])
    await until(async () => (await begun()).length === 2)
    assert.deepEqual(await begun(), ['a', 'b'])
    await sleep.destroy()
    await Promise.all(calls)
  })

  it('isolated calls keep their order when their processes exit while they start', async () => {
    const templates: ForkProcess[] = []
    const sleep = start('sleep', { isolate: true, max: 3 }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    await templates[0]!.ready()
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map(value => reasonOf(sleep(60_000, value)))
    templates[0]!.kill('SIGKILL')
    const begun = async (): Promise<unknown[]> =>
      (await sleep.stats()).workers.flatMap(({ running }) => running?.args[1] ?? [])
    await until(async () => (await begun()).length === 3)
    assert.deepEqual((await begun()).sort(), ['a', 'b', 'c'])
    await sleep.destroy()
    await Promise.all(calls)
  })

  it('maxQueue limits waiting calls; calls that wait only for a worker to start do not count', async () => {
    const sleep = start('sleep', { max: 2, maxQueue: 1 })
    const calls = Array.from({ length: 5 }, () => sleep(20, 'done'))
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.equal((outcomes[3] as PromiseRejectedResult).reason.code, 'ERR_POOL_QUEUE_FULL')
    assert.equal(await sleep(1, 'again'), 'again')
  })

  it('maxQueue 0 accepts only calls for which a worker has a free slot', async () => {
    const sleep = start('sleep', { max: 1, load: 2, maxQueue: 0 })
    const outcomes = await Promise.allSettled([sleep(5), sleep(5), sleep(5)])
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
  })

  it('drained() resolves, with maxQueue 0, when a call would be accepted or the pool is destroyed', async () => {
    const sleep = start('sleep', { max: 1, maxQueue: 0 })
    let rejections = 0
    const call = async (value: number): Promise<unknown> => {
      for (;;) {
        const reason = await reasonOf(sleep(20, value).then(result => (results.push(result), undefined)))
        if (reason?.code !== 'ERR_POOL_QUEUE_FULL') return reason
        rejections++
        await sleep.drained()
      }
    }
    const results: unknown[] = []
    assert.deepEqual(await Promise.all([1, 2, 3].map(call)), [undefined, undefined, undefined])
    assert.deepEqual(results, [1, 2, 3])
    assert.ok(rejections >= 2 && rejections < 20, `${rejections}`)
    const last = sleep(60_000)
    const drained = sleep.drained()
    await Promise.all([sleep.destroy(), reasonOf(last)])
    await drained
  })

  it('close() resolves drained() while a stream still takes the only slot', async () => {
    const closing = start('countTo', { max: 1, maxQueue: 0 })
    const values = (await closing(2)) as AsyncIterator<number>
    const stillDrained = closing.drained()
    const closed = closing.close()
    await stillDrained
    await drain(values)
    await closed
  })

  it('drained() resolves as soon as no call waits', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep.drained()
    const calls = [1, 2, 3].map(() => sleep(20))
    await sleep.drained()
    const { waiting, running } = (await sleep.stats()).calls
    assert.equal(waiting, 0)
    assert.ok(running <= 1)
    await Promise.all(calls)
  })

  it('aborted calls leave no object behind, even if all have different priorities', async () => {
    const sleep = start('sleep', { max: 1 })
    const end = new AbortController()
    const endless = (): Promise<void> => assert.rejects(sleep.with({ signal: end.signal })(60_000))
    const calls = [endless(), endless()] // one runs, and one waits before the others
    await until(() => sleep.workers.some(worker => worker.load))
    const callCount = 1000
    let priority = 0
    const abortMany = async (): Promise<number> => {
      await Promise.all(
        Array.from({ length: callCount }, () => {
          const abort = new AbortController()
          const aborted = assert.rejects(sleep.with({ priority: --priority, signal: abort.signal })(0))
          abort.abort()
          return aborted
        }),
      )
      await collectGarbage()
      return queryObjects(Object, { format: 'count' })
    }
    const before = await abortMany()
    const more = (await abortMany()) - before
    assert.ok(more < callCount / 2, `${more} objects`)
    end.abort()
    await Promise.all(calls)
  })
})
