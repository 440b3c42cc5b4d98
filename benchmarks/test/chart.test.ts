import assert from 'node:assert/strict'
import { chartOf } from '@anyfork/benchmarks/harness/chart'
import { DARK_COLOURS } from '@anyfork/benchmarks/harness/dark-mode'
import { describe, it } from 'mocha'

describe('chartOf', () => {
  const svg = chartOf(
    ['bare', 'large'].flatMap(module => [
      { module, subject: '@anyfork/fork', perSecond: 100 },
      { module, subject: 'worker_threads', perSecond: 20 },
      { module, subject: 'never', perSecond: null },
    ]),
  )

  it('has another colour in dark mode for each of its colours', () => {
    const drawn = svg.replace(/<[^>]*fill-opacity="0"[^>]*>/g, '') // the invisible boxes of titles
    const colours = new Set([...drawn.matchAll(/(?:fill|stroke)="(?!none)([^"]*)"/g)].map(([, colour]) => colour))
    assert.deepEqual([...colours].sort(), Object.keys(DARK_COLOURS).sort())
    for (const [light, dark] of Object.entries(DARK_COLOURS)) assert.ok(svg.includes(`[fill="${light}"]{fill:${dark}}`))
  })

  it('has one style sheet for dark mode, right after its beginning', () => {
    assert.match(svg, /^<svg [^>]*>\n<style>@media \(prefers-color-scheme: dark\){/)
    assert.equal(svg.split('prefers-color-scheme').length, 2)
  })
})
