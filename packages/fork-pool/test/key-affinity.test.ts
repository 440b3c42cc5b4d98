import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Balancer } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { usePools } from './support/pools.js'

describe('key affinity', () => {
  const start = usePools()
  const pathOf = useFolder()

  for (const [load, retries] of [
    [1, 1],
    [2, 0],
    [2, 1],
  ] as const) {
    it(`calls of a key keep their order when their worker dies, with load ${load} and ${retries} retries`, async () => {
      const folder = pathOf('folder')
      mkdirSync(folder)
      const act = start('exitOnce', { max: 3, idle: 1, load, retries })
      const keyed = act.with({ key: 'k' })
      await keyed(folder, 'warm')
      await until(() => act.workers.some(one => !one.load)) // the calls can move there at once
      const order: unknown[] = []
      const note = async (file: string, value: string): Promise<unknown> =>
        order.push(await keyed(file, value).catch(() => 'lost'))
      await Promise.all([note(join(folder, 'once'), 'a'), ...['b', 'c', 'd', 'e'].map(value => note(folder, value))])
      assert.deepEqual(order, [retries ? 'a' : 'lost', 'b', 'c', 'd', 'e'])
    })
  }

  it('maxQueue limits the calls of a key even if other workers are free', async () => {
    const sleep = start('sleep', { max: 3, idle: 2, maxQueue: 1 })
    await until(() => sleep.workers.length === 2)
    const keyed = sleep.with({ key: 'k' })
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => keyed(20)))
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.equal((outcomes[2] as PromiseRejectedResult).reason.code, 'ERR_POOL_QUEUE_FULL')
  })

  it('maxQueue does not count calls of a key that wait only for a worker to start', async () => {
    const sleep = start('sleep', { max: 2, maxQueue: 1 })
    const keyed = sleep.with({ key: 'k' })
    await keyed(0)
    const outcomes = await Promise.allSettled([keyed(20), sleep(20), keyed(20), keyed(20), sleep(20)])
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
  })

  it('calls of one key go to one worker, and calls of other keys to other workers', async () => {
    const pid = start('pidAfter', { max: 3, idle: 3 })
    await until(() => pid.workers.length === 3) // otherwise, a worker that is done with one key takes on another one
    const of = async (key: unknown): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 6 }, () => pid.with({ key })(5)))
    const [a, b, c] = await Promise.all([of('a'), of('b'), of(3)])
    for (const pids of [a, b, c]) assert.equal(new Set(pids).size, 1)
    assert.equal(new Set([a![0], b![0], c![0]]).size, 3)
  })

  it('calls of a busy key do not delay other calls', async () => {
    const wait = start('waitForFile', { max: 2 })
    const file = pathOf('open')
    const keyed = wait.with({ key: 'k' })
    await Promise.all([keyed('/dev/null', 'warm'), wait('/dev/null', 'warm')])
    const order: unknown[] = []
    const note = async (call: Promise<unknown>): Promise<void> => void order.push(await call)
    const calls = [note(keyed(file, 'k1')), note(keyed('/dev/null', 'k2'))]
    await Promise.all([note(wait('/dev/null', 'other')), note(wait('/dev/null', 'another'))])
    writeFileSync(file, '')
    await Promise.all(calls)
    assert.deepEqual(order, ['other', 'another', 'k1', 'k2'])
  })

  it('calls of a key move to another worker in order when theirs exits', async () => {
    const act = start('doAs', { max: 2 })
    const keyed = act.with({ key: 'k' })
    const order: unknown[] = []
    const note = async (call: Promise<unknown>): Promise<void> =>
      void order.push(await call.catch(error => error.exitCode))
    await Promise.all([note(keyed('exit', 20)), note(keyed('a')), note(keyed('b')), note(keyed('c'))])
    assert.deepEqual(order, [3, 'a', 'b', 'c'])
  })

  it('calls of a key run side by side in another worker when theirs is killed, and other calls are retried elsewhere', async () => {
    let chosenFor: (value: unknown) => number | undefined = () => undefined
    const balancer: Balancer = (workers, [, value]) =>
      workers.find(({ pid }) => pid === chosenFor(value)) ?? workers[0]!
    const wait = start('waitForFile', { max: 3, idle: 3, load: 2, async: true, balancer })
    await until(() => wait.workers.length === 3)
    const [first, second, third] = wait.workers.map(worker => worker.pid)
    chosenFor = () => first
    const keyed = wait.with({ key: 'k' })
    await keyed('/dev/null', 'warm')
    const file = pathOf('open')
    const others = [1, 2].map(() => wait.with({ retries: 1 })(file, 'other'))
    const slow = keyed(file, 'slow')
    const quick = keyed('/dev/null', 'quick')
    chosenFor = value => (value === 'other' ? third : second)
    process.kill(first!, 'SIGKILL')
    assert.equal(await quick, 'quick') // beside the slow one
    writeFileSync(file, '')
    assert.equal(await slow, 'slow')
    await Promise.all(others)
  })
})
