import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { barOf, type Progress, showProgress } from '@anyfork/benchmarks/harness/progress'
import { describe, it } from 'mocha'

/** Returns a progress, and a function that returns what it has written. */
function progressOn(isTTY: boolean, isQuiet: boolean): [Progress, () => string] {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 20 })
  const progress = showProgress('latency', isQuiet, stream as unknown as NodeJS.WriteStream)
  return [progress, () => `${stream.read() ?? ''}`]
}

describe('showProgress', () => {
  it('writes a line per sample where there is no terminal', () => {
    const [{ onSample, stop }, written] = progressOn(false, false)
    onSample('free: ten', { perSecond: 10 }, { done: 1, total: 4 })
    onSample('free: throws', new Error('cannot count'), { done: 2, total: 4 })
    stop()
    assert.equal(written(), 'latency: free: ten: {"perSecond":10}\nlatency: free: throws: cannot count\n')
  })

  it('writes nothing where there is no terminal and the output is for programs', () => {
    const [{ onSample, stop }, written] = progressOn(false, true)
    onSample('free: ten', { perSecond: 10 }, { done: 1, total: 4 })
    stop()
    assert.equal(written(), '')
  })

  it('draws a bar with the last case on a terminal, keeps failures, and erases the bar at the end', () => {
    const [{ onSample, stop }, written] = progressOn(true, false)
    onSample('free: ten', { perSecond: 10 }, { done: 1, total: 4 })
    assert.match(written(), /latency ={10}-{30} 1\/4 .*\nfree: ten/)
    onSample('free: throws', new Error('cannot count'), { done: 2, total: 4 })
    assert.match(written(), /latency: free: throws: cannot count\n[^]*latency ={20}-{20} 2\/4 /)
    stop()
    assert.doesNotMatch(written(), /latency/)
  })
})

describe('barOf', () => {
  it('estimates the rest from the time that has passed', () => {
    assert.match(barOf({ done: 1, total: 4 }, 20_000), / 1\/4 +60s$/)
    assert.match(barOf({ done: 4, total: 4 }, 20_000), /^={40} 4\/4 +0s$/)
  })
})
