import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess, type PoolError } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

/** More than the longest delay between two starts before the pool gives up, which is 320 ms. */
const NEXT_START_MS = 400
/** Two starts for each of the seven failures after which the pool gives up, and two that may be under way. */
const MOST_STARTS = 16

describe('crash loop', () => {
  const start = usePools()

  it('calls reject with ERR_POOL_CRASH_LOOP when no worker starts', async () => {
    const pid = start('pid', { max: 2, init: 'dieSoon' })
    const reasons = await Promise.all([1, 2, 3].map(() => reasonOf(pid())))
    for (const reason of reasons) {
      assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
      assert.equal((reason?.cause as { exitCode: number } | undefined)?.exitCode, 5)
    }
    assert.ok((await pid.stats()).started <= MOST_STARTS)
    assert.equal((await reasonOf(pid()))?.code, 'ERR_POOL_CRASH_LOOP')
  })

  it('the pool stops starting idle workers when none of them starts', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 2, init: 'dieSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    await setTimeout(NEXT_START_MS)
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('the pool stops starting idle workers that retire before their first call', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 1, async: true, init: 'retireSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    assert.ok(started <= MOST_STARTS, `${started} started`)
    await setTimeout(NEXT_START_MS)
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('calls reject with ERR_POOL_CRASH_LOOP when each template exits', async () => {
    let made = 0
    const pid = start('pid', { max: 2 }, () => {
      made++
      return ForkProcess.exec().eval(() => process.exit(9))
    })
    const reason = await reasonOf(pid())
    assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
    assert.ok(made <= 8, `${made} templates`)
  })

  it('idle workers that always exit are reported as a crash loop once; a later call starts workers again', async () => {
    const codes: (string | undefined)[] = []
    const pid = start('pid', {
      max: 2,
      idle: 2,
      async: true,
      init: 'dieAfterStart',
      onError: error => codes.push((error as PoolError).code),
    })
    await until(() => codes.includes('ERR_POOL_CRASH_LOOP'))
    const { started } = await pid.stats()
    await setTimeout(NEXT_START_MS)
    assert.equal((await pid.stats()).started, started)
    assert.equal(codes.filter(code => code === 'ERR_POOL_CRASH_LOOP').length, 1)
    assert.equal(codes.at(-1), 'ERR_POOL_CRASH_LOOP')
    await reasonOf(pid())
    assert.ok((await pid.stats()).started > started)
  })
})
