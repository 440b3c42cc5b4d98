import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Balancer } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

describe('key affinity', () => {
  const start = usePools()

  for (const [load, retries] of [
    [1, 1],
    [2, 0],
    [2, 1],
  ] as const) {
    it(`calls of a key keep their order when their worker dies, with load ${load} and ${retries} retries`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const act = start('exitOnce', { max: 3, idle: 1, load, retries })
      const keyed = act.with({ key: 'k' })
      await keyed(folder, 'warm')
      await until(() => act.workers.some(one => !one.load)) // to which they can move at once
      const order: unknown[] = []
      const note = async (file: string, value: string): Promise<unknown> =>
        order.push(await keyed(file, value).catch(() => 'lost'))
      await Promise.all([note(join(folder, 'once'), 'a'), ...['b', 'c', 'd', 'e'].map(value => note(folder, value))])
      rmSync(folder, { recursive: true })
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

  it('calls of one key go to one worker, calls of other keys to others', async () => {
    const pid = start('pidAfter', { max: 3 })
    const of = async (key: unknown): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 6 }, () => pid.with({ key })(5)))
    const [a, b, c] = await Promise.all([of('a'), of('b'), of(3)])
    for (const pids of [a, b, c]) assert.equal(new Set(pids).size, 1)
    assert.equal(new Set([a![0], b![0], c![0]]).size, 3)
  })

  it('calls of a busy key do not delay other calls', async () => {
    const sleep = start('sleep', { max: 2 })
    await Promise.all([sleep.with({ key: 'k' })(20), sleep(20)])
    const order: unknown[] = []
    const note = async (call: Promise<unknown>): Promise<void> => void order.push(await call)
    await Promise.all([
      note(sleep.with({ key: 'k' })(150, 'k1')),
      note(sleep.with({ key: 'k' })(0, 'k2')),
      note(sleep(0, 'other')),
      note(sleep(0, 'another')),
    ])
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

  it('calls of a key run once their worker has a free slot, even after an earlier call was retried elsewhere', async () => {
    let chosenFor: (value: unknown) => number | undefined = () => undefined
    const balancer: Balancer = (workers, [, value]) =>
      workers.find(({ pid }) => pid === chosenFor(value)) ?? workers[0]!
    const sleep = start('sleep', { max: 3, idle: 3, load: 2, async: true, balancer })
    await until(() => sleep.workers.length === 3)
    const [first, second, third] = sleep.workers.map(worker => worker.pid)
    chosenFor = () => first
    const keyed = sleep.with({ key: 'k' })
    await keyed(0)
    const others = [1, 2].map(() => sleep.with({ retries: 1 })(100, 'other'))
    const order: unknown[] = []
    const waiting = [keyed(1000, 'slow'), keyed(0, 'quick')].map(async call => order.push(await call))
    chosenFor = value => (value === 'other' ? third : second)
    process.kill(first!, 'SIGKILL')
    await Promise.all([...others, ...waiting])
    assert.deepEqual(order, ['quick', 'slow'])
  })
})
