import assert from 'node:assert/strict'
import { html } from '@anyfork/benchmarks/html-report/html'
import { directionOf, reportPage } from '@anyfork/benchmarks/html-report/page'
import { panelsOf } from '@anyfork/benchmarks/html-report/panels'
import { isOurs, peerOf } from '@anyfork/benchmarks/html-report/peer-of'
import { parseResults } from '@anyfork/benchmarks/html-report/result'
import { scaleOf } from '@anyfork/benchmarks/html-report/scale'
import { closeGaps, countOf, matchesWords } from '@anyfork/benchmarks/page/script'
import { describe, it } from 'mocha'
import { HOSTILE, results } from './support/results.js'

describe('html', () => {
  it('escapes values in elements and attributes, but not the results of other templates', () => {
    assert.equal(
      html`<p title="${`"'`}">${'<b>&'}${html`<br>`}${[html`<i>`, html`</i>`]}${7}</p>`.text,
      '<p title="&#34;&#39;">&#60;b&#62;&#38;<br><i></i>7</p>',
    )
  })

  it('leaves out undefined and false', () => {
    assert.equal(html`<p>${undefined}${false}</p>`.text, '<p></p>')
  })
})

describe('peerOf', () => {
  for (const [subject, peer] of [
    ['@anyfork/fork-pool', '@anyfork/fork-pool'],
    ['@anyfork/fork-pool/prefork, reusePort', '@anyfork/fork-pool'],
    ['two processes: @anyfork/fdpasser, batch 32', '@anyfork/fdpasser'],
    ['two processes: usocket, 1 descriptor a write', 'usocket'],
    ['two processes: process.send(message, socket)', 'process.send'],
    ['one process: send, receive, close in C', 'C'],
    ['send and recv in C', 'C'],
    ['AnyEvent::Fork::RPC (Perl), octets', 'AnyEvent::Fork::RPC'],
    ['birpc over child_process.fork, advanced', 'birpc'],
    ['worker_threads postMessage, with transfer', 'worker_threads'],
    ['node:cluster', 'node:cluster'],
    ['', ''],
  ] as const) {
    it(`returns '${peer}' for '${subject}'`, () => {
      assert.equal(peerOf(subject), peer)
      assert.equal(isOurs(subject), subject.includes('@anyfork'))
    })
  }
})

describe('scaleOf', () => {
  for (const [what, values, scale] of [
    ['linear, from zero to a round number', [3, 59], { type: 'value', min: 0, max: 60, interval: 20 }],
    ['linear, if the greatest value is a tick', [40, 50], { type: 'value', min: 0, max: 50, interval: 10 }],
    ['linear for fractions', [0.02, 0.3], { type: 'value', min: 0, max: 0.30000000000000004, interval: 0.1 }],
    ['logarithmic if a value is 20 times another', [5, 100], { type: 'log', min: 1, max: 100 }],
    ['logarithmic, and shows a bar for the least value', [10, 2000], { type: 'log', min: 1, max: 10_000 }],
    ['linear if a value is zero', [0, 2000], { type: 'value', min: 0, max: 2000, interval: 500 }],
    ['linear if all values are zero', [0], { type: 'value', min: 0, max: 1, interval: 1 }],
    ['linear if there are no values', [], { type: 'value', min: 0, max: 1, interval: 1 }],
  ] as const)
    it(`is ${what}`, () => assert.deepEqual(scaleOf(values), scale))
})

describe('panelsOf', () => {
  it('makes a panel of each setting', () => {
    assert.deepEqual(
      panelsOf(results[0]!.rows).map(({ title, metric, nameHeading, rows }) => ({
        title,
        metric,
        nameHeading,
        names: rows.map(({ name }) => name),
      })),
      [
        {
          title: 'module: bare',
          metric: 'milliseconds',
          nameHeading: 'subject',
          names: ['@anyfork/fork-pool', '@anyfork/fork-pool, spare 1', 'piscina'],
        },
        {
          title: 'module: large',
          metric: 'milliseconds',
          nameHeading: 'subject',
          names: ['@anyfork/fork-pool', 'tinypool, worker_threads'],
        },
      ],
    )
  })

  it('makes one panel of all settings of the only subject', () => {
    const [panel, ...others] = panelsOf(results[1]!.rows)
    assert.deepEqual(others, [])
    assert.deepEqual([panel!.title, panel!.nameHeading], ['@anyfork/fork-pool', 'setting'])
    assert.deepEqual(
      panel!.rows.map(({ name }) => name),
      ['workers: 1', 'workers: 2', 'workers: 4'],
    )
  })
})

describe('directionOf', () => {
  for (const [metric, direction] of [
    ['perSecond', 'more is better'],
    ['mebibytesPerSecond', 'more is better'],
    ['medianMicroseconds', 'less is better'],
    ['milliseconds', 'less is better'],
    ['pssMebibytes', 'less is better'],
    ['workers', ''],
  ] as const)
    it(`says '${direction}' of ${metric}`, () => assert.equal(directionOf(metric), direction))
})

describe('parseResults', () => {
  const rows = [{ subject: 'one', milliseconds: 1 }]

  it('reads a line per benchmark', () => {
    const saved = results.map(result => `${JSON.stringify(result)}\n`).join('')
    assert.deepEqual(parseResults(saved), results)
  })

  it('reads a single benchmark', () => {
    assert.deepEqual(parseResults('{"benchmark":"a","rows":[]}'), [{ benchmark: 'a', rows: [] }])
  })

  it('reads a file with all benchmarks of a run, each with what the run says of all', () => {
    const shared = { machine: '2 × Abacus', node: 'v20.0.0', versions: { abacus: '1.0.0' }, isQuick: false }
    const one = { benchmark: 'a', title: 'How?', method: 'Thus.', date: '2026-01-02 03:04', load: 0.5, rows }
    const run = { ...shared, pinnedTo: null, rounds: 3, benchmarks: [one] }
    const { benchmarks: _, rounds: __, ...others } = run
    assert.deepEqual(parseResults(JSON.stringify(run, null, 2)), [{ ...others, ...one }])
  })

  for (const [what, text, message] of [
    ['nothing', '\n', /there is none/],
    ['something else than JSON', '{"benchmark":"a","rows":[]}\n# How?', /JSON in line 2/],
    ['other JSON', '{"rows":[]}', /benchmark, or its rows, are missing/],
    ['rows without a subject', '{"benchmark":"a","rows":[{}]}', /benchmark, or its rows, are missing/],
    ['null', 'null', /benchmark, or its rows, are missing/],
  ] as const)
    it(`rejects ${what} with a TypeError`, () =>
      assert.throws(() => parseResults(text), { name: 'TypeError', message }))
})

describe('reportPage', () => {
  const page = reportPage(results)

  it('escapes every text of the results', () => {
    assert.ok(!page.includes(HOSTILE))
    assert.doesNotMatch(page, /<img|<script>alert/)
    assert.equal(page.match(/<script/g)!.length, 2) // the numbers, and the script of the page
  })

  it('formats words in backticks as code, and escapes them, too', () => {
    const page = reportPage([{ ...results[0]!, method: 'Calls `add(1, 2)` and `<b>`.' }])
    assert.ok(page.includes('<p>Calls <code>add(1, 2)</code> and <code>&#60;b&#62;</code>.</p>'))
  })

  it('refers to no other file', () => {
    assert.doesNotMatch(page, /<link|@import|url\(|src="/)
    assert.deepEqual(
      new Set(page.match(/https?:[^"]*/g)),
      new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']),
    )
  })

  it('has the machine, the version of Node, the date, and the versions of packages', () => {
    for (const text of ['2 × Abacus', 'v20.0.0', '2026-01-02 03:04 UTC', 'piscina <b>5.0.0</b>'])
      assert.ok(page.includes(text), text)
    assert.ok(!page.includes('class="warning"'))
  })

  it('warns of results that --quick has made', () => {
    assert.match(reportPage([{ ...results[0]!, isQuick: true }]), /class="warning".*The numbers mean nothing/)
  })

  it('has a group in the charts and a row in the tables for each row of the results', () => {
    for (const [peer, count] of [
      ['@anyfork/fork-pool', 6],
      ['piscina', 1],
      ['tinypool', 1],
      ['never', 1],
    ] as const)
      for (const element of ['g', 'tr'])
        assert.equal(page.split(`<${element} data-peer="${peer}"`).length - 1, count, `${element} of ${peer}`)
  })
})

describe('the filter of the page', () => {
  it('finds questions with all words, whatever their order and case', () => {
    const text = 'pool-memory\nhow much memory does a pool use?\npiscina'
    for (const [typed, isMatch] of [
      ['', true],
      ['Memory  POOL', true],
      ['piscina', true],
      ['memory rpc', false],
    ] as const)
      assert.equal(matchesWords(text, typed), isMatch, typed)
  })

  it('moves the rows of a chart over hidden ones', () => {
    const sizes = { width: 900, axis: 26, row: 24, bottom: 6 }
    assert.deepEqual(closeGaps([true, false, true, false, true], sizes), {
      moves: [0, -24, -24, -48, -48],
      height: 26 + 3 * 24 + 6,
    })
  })

  it('counts what it shows', () => {
    assert.deepEqual([countOf(3, 3, 'peers'), countOf(1, 3, 'peers')], ['all 3 peers', '1 of 3 peers'])
  })
})
