import assert from 'node:assert/strict'
import type { CallOptions, PoolOptions } from '@anyfork/fork-pool'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

const invalidCallOptions: object[] = [
  { timeout: -1 },
  { timeout: NaN },
  { retries: 0.5 },
  { priority: NaN },
  { signal: {} },
  { restrict: {} }, // without isolate
  { onEvent: 'x' },
  { tiemout: 1 },
]
const invalidPoolOptions: object[] = [
  { load: 0 },
  { load: 'Auto' },
  { start: -1 },
  { stop: NaN },
  { spare: 0.5 },
  { maxQueue: -1 },
  { maxQueue: '1' },
  { maxQueue: null },
  { maxQueue: { calls: -1 } },
  { maxQueue: { bytes: 0 } },
  { maxQueue: { length: 1 } },
  { recycle: { calls: 0 } },
  { memory: 0 },
  { memory: '1GB' },
  { memory: null },
  { memory: { limit: 0 } },
  { memory: { policy: 'small' } },
  { memory: { most: 1 } },
  { recycle: { growth: 0 } },
  { cpuMs: 0 },
  { cpuMs: NaN },
  { recycle: { often: 1 } },
  { recycle: 100 },
  { recycle: null },
  { restrict: 5 },
  { restrict: { rlimits: 5 } },
  { restrict: { rlimits: { as: 'x' } } },
  { serialiser: 'xml' },
  { isolate: 'yes' },
  { balancer: 1 },
  { onEvent: 1 },
  { async: 1 },
  { init: '' },
  { done: '' },
  { done: { module: 'x', name: 'y' } as never },
  { workers: 2 },
]
const contradictoryPoolOptions: PoolOptions[] = [
  { isolate: true, load: 2 },
  { isolate: true, idle: 1 },
  { idle: 3, max: 2 },
  { refork: 10, done: 'noteEnd' },
  { refork: 10, recycle: { calls: 10 } },
  { refork: [5, 20], recycle: { calls: 10, jitter: 0 } },
]

describe('options', () => {
  const start = usePools()

  it('with() throws TypeError for an invalid or unknown option', () => {
    const pid = start('pid')
    for (const options of invalidCallOptions) assert.throws(() => pid.with(options), TypeError, JSON.stringify(options))
  })

  it('with() throws TypeError if the options are not an object', () => {
    const pid = start('pid')
    for (const options of [undefined, null, 100])
      assert.throws(() => pid.with(options as CallOptions), {
        name: 'TypeError',
        message: /^the options of with\(\) must be an object/,
      })
  })

  it('with() throws TypeError for a key in a pool with isolate', () => {
    assert.throws(() => start('pid', { isolate: true }).with({ key: 1 }), TypeError)
  })

  it('pool() throws TypeError for an invalid or unknown option', () => {
    for (const options of invalidPoolOptions)
      assert.throws(() => start('pid', options), TypeError, JSON.stringify(options))
  })

  it('pool() throws TypeError for options that contradict each other', () => {
    for (const options of contradictoryPoolOptions)
      assert.throws(() => start('pid', options), TypeError, JSON.stringify(options))
    start('pid', { refork: [5, Infinity], recycle: { calls: 10 } })
  })

  it('pool() throws TypeError if the options are not an object', () => {
    for (const options of [null, 5])
      assert.throws(() => start('pid', options as PoolOptions), {
        name: 'TypeError',
        message: /^the options of pool\(\) must be an object/,
      })
  })
})
