import assert from 'node:assert/strict'
import { ForkProcess, type PoolError } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

describe('crash loop', () => {
  const start = usePools()

  it('workers that never start reject calls with ERR_POOL_CRASH_LOOP', async () => {
    const errors: unknown[] = []
    const options = { max: 2, init: 'dieSoon', onError: (error: Error) => errors.push(error) }
    const pid = start('pid', options)
    const reasons = await Promise.all([1, 2, 3].map(() => reasonOf(pid())))
    for (const reason of reasons) {
      assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
      assert.equal((reason?.cause as { exitCode: number } | undefined)?.exitCode, 5)
    }
    assert.ok((await pid.stats()).started <= 16)
    assert.equal((await reasonOf(pid()))?.code, 'ERR_POOL_CRASH_LOOP')
  })

  it('idle workers that never start are not started again before the next call', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 2, init: 'dieSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('workers that retire before their first call end in a crash loop', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 1, async: true, init: 'retireSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    assert.ok(started <= 16, `${started} started`)
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('templates that always exit reject calls with ERR_POOL_CRASH_LOOP', async () => {
    let made = 0
    const pid = start('pid', { max: 2 }, () => {
      made++
      return ForkProcess.exec().eval(() => process.exit(9))
    })
    const reason = await reasonOf(pid())
    assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
    assert.ok(made <= 8, `${made} templates`)
  })

  it('idle workers that always exit are reported as a crash loop once; a later call tries again', async () => {
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
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started, 'no more are started')
    assert.equal(codes.filter(code => code === 'ERR_POOL_CRASH_LOOP').length, 1)
    assert.equal(codes.at(-1), 'ERR_POOL_CRASH_LOOP')
    await reasonOf(pid())
    assert.ok((await pid.stats()).started > started)
  })
})
