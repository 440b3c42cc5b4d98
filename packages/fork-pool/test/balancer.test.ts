import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Balancer } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

describe('balancer', () => {
  const start = usePools()

  it('the balancer gets the arguments of each call, which goes to the worker that it returns', async () => {
    const seen: unknown[] = []
    const balancer: Balancer = (workers, args) => {
      seen.push(args)
      return workers.reduce((a, b) => (a.calls <= b.calls ? a : b))
    }
    const pid = start('pidAfter', { max: 2, idle: 2, balancer })
    await until(() => pid.workers.length === 2)
    const pids = []
    for (let i = 0; i < 6; i++) pids.push(await pid(0))
    assert.equal(new Set(pids.slice(0, 2)).size, 2)
    assert.deepEqual(pids.slice(2), [...pids.slice(0, 2), ...pids.slice(0, 2)])
    assert.deepEqual(seen.at(-1), [0])
  })

  it('a call rejects with the error of the balancer, or with TypeError if it returns no worker', async () => {
    let balancer: Balancer = () => {
      throw new RangeError('no')
    }
    const pid = start('pid', { max: 1, balancer: (...args) => balancer(...args) })
    await assert.rejects(pid(), { name: 'RangeError', message: 'no' })
    balancer = () => ({}) as never
    await assert.rejects(pid(), TypeError)
    balancer = ([first]) => first!
    assert.equal(typeof (await pid()), 'number')
  })

  it('calls keep the async context of their caller; callbacks run in the context in which the pool was made', async () => {
    const context = new AsyncLocalStorage<string>()
    const events: unknown[] = []
    const balanced = new Set<unknown>()
    const balancer: Balancer = ([first]) => (balanced.add(context.getStore()), first!)
    const emit = context.run('maker', () =>
      start('emit', { max: 1, balancer, onEvent: value => events.push([value, context.getStore()]) }),
    )
    await Promise.all(
      ['one', 'two'].map(name =>
        context.run(name, async () => {
          await emit(name)
          assert.equal(context.getStore(), name)
        }),
      ),
    )
    assert.deepEqual(events, [
      ['one', 'maker'],
      ['two', 'maker'],
    ])
    await context.run('three', () => emit())
    assert.deepEqual([...balanced], ['maker'])
  })
})
