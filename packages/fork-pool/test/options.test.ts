import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

describe('options', () => {
  const start = usePools()

  it('what makes no sense is a TypeError at the call', () => {
    const pid = start('pid')
    for (const options of [
      { timeout: -1 },
      { timeout: NaN },
      { retries: 0.5 },
      { priority: NaN },
      { signal: {} },
      { restrict: {} },
      { tiemout: 1 },
    ]) {
      assert.throws(() => pid.with(options as never), TypeError)
    }
    for (const options of [undefined, null, 100])
      assert.throws(() => pid.with(options as never), {
        name: 'TypeError',
        message: /^the options of with\(\) must be an object/,
      })
    for (const options of [
      { isolate: true, load: 2 },
      { isolate: true, idle: 1 },
      { idle: 3, max: 2 },
      { load: 0 },
      { start: -1 },
      { stop: NaN },
      { spare: 0.5 },
      { maxQueue: -1 },
      { recycle: { calls: 0 } },
      { recycle: { often: 1 } },
      { recycle: 100 },
      { recycle: null },
      { restrict: 5 },
      { restrict: { rlimits: 5 } },
      { serialiser: 'xml' },
      { isolate: 'yes' },
      { restrict: { rlimits: { as: 'x' } } },
      { balancer: 1 },
      { onEvent: 1 },
      { async: 1 },
      { init: '' },
      { workers: 2 },
      { refork: 10, recycle: { calls: 10 } },
      { refork: [5, 20], recycle: { calls: 10, jitter: 0 } },
    ]) {
      assert.throws(() => start('pid', options as never), TypeError, JSON.stringify(options))
    }
    for (const options of [null, 5])
      assert.throws(() => start('pid', options as never), {
        name: 'TypeError',
        message: /^the options of pool\(\) must be an object/,
      })
    start('pid', { refork: [5, Infinity], recycle: { calls: 10 } })
    assert.throws(() => start('pid', { isolate: true }).with({ key: 1 }), TypeError)
  })
})
