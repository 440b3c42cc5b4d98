import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { barOf, type Progress, showProgress } from '@anyfork/benchmarks/harness/progress'
import { describe, it } from 'mocha'

/** Returns a progress, and a function that returns what it has written. */
function progressOn(isTTY: boolean, isQuiet: boolean): [Progress, () => string] {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 20 })
  const progress = showProgress({ minutes: 25, isQuiet, stream: stream as unknown as NodeJS.WriteStream })
  return [progress, () => `${stream.read() ?? ''}`]
}

describe('showProgress', () => {
  it('writes a line per sample where there is no terminal', () => {
    const [{ onSample, clear }, written] = progressOn(false, false)
    onSample('latency: free: ten', { perSecond: 10 }, { done: 1, required: 4, total: 4 })
    onSample('latency: free: throws', new Error('cannot count'), { done: 2, required: 4, total: 4 })
    clear()
    assert.equal(written(), 'latency: free: ten: {"perSecond":10}\nlatency: free: throws: cannot count\n')
  })

  it('writes nothing where there is no terminal and the output is for programs', () => {
    const [{ onSample, clear }, written] = progressOn(false, true)
    onSample('latency: free: ten', { perSecond: 10 }, { done: 1, required: 4, total: 4 })
    clear()
    assert.equal(written(), '')
  })

  it('draws a bar with the last case on a terminal, keeps failures, and erases the bar when it is cleared', () => {
    const [{ onSample, clear }, written] = progressOn(true, false)
    onSample('latency: free: ten', { perSecond: 10 }, { done: 1, required: 4, total: 4 })
    assert.match(written(), /={10}-{30} 1\/4 .*\nlatency: free: ten/)
    onSample('latency: free: throws', new Error('cannot count'), { done: 2, required: 4, total: 4 })
    assert.match(written(), /latency: free: throws: cannot count\n[^]*={20}-{20} 2\/4 /)
    clear()
    assert.doesNotMatch(written(), /latency|=/)
  })
})

describe('barOf', () => {
  it('estimates the rest from the time that has passed', () => {
    assert.match(barOf({ done: 1, required: 2, total: 4 }, 20_000, Infinity), / 1\/4 +60s$/)
    assert.match(barOf({ done: 4, required: 2, total: 4 }, 20_000, Infinity), /^={40} 4\/4 +0s$/)
  })

  it('does not estimate more than the limit leaves after the required samples', () => {
    assert.match(barOf({ done: 2, required: 2, total: 10 }, 20_000, 50_000), / 2\/10 +30s$/)
    assert.match(barOf({ done: 3, required: 2, total: 10 }, 60_000, 50_000), / 3\/10 +0s$/)
  })

  it('estimates the required samples even if they go beyond the limit', () => {
    assert.match(barOf({ done: 1, required: 5, total: 10 }, 10_000, 30_000), / 1\/10 +40s$/)
  })
})
