import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { formatCell, headingOf } from '../harness/table.js'
import { html, Markup } from './html.js'
import { CHART, namesWidthOf, panelChart } from './panel-chart.js'
import { chartedValues, type Panel, type PanelRow, panelsOf } from './panels.js'
import { isOurs, peerOf } from './peer-of.js'
import type { Result } from './result.js'
import { type Scale, scaleOf } from './scale.js'

const STYLE = new URL('../../page/style.css', import.meta.url)
const SCRIPT = new URL('../page/script.js', import.meta.url)

/**
 * Makes one HTML page of results: a chart and a table for each question under each setting, and a form that filters them.
 * The page needs no other file and no network, and its policy allows no script but its own.
 */
export function reportPage(results: readonly Result[]): string {
  const peers = [...new Set(results.flatMap(({ rows }) => rows.map(row => peerOf(`${row['subject']}`))))].sort(
    (a, b) => Number(isOurs(b)) - Number(isOurs(a)) || a.localeCompare(b, 'en'),
  )
  const script = `${readFileSync(SCRIPT, 'utf8')}\nstart(${JSON.stringify(CHART)})\n`
  const hash = createHash('sha256').update(script).digest('base64')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${new Markup(hash)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Benchmarks of anyfork</title>
<style>${new Markup(readFileSync(STYLE, 'utf8'))}</style>
</head>
<body>
<header>
<h1>Benchmarks of anyfork</h1>
${aboutRun(results)}
</header>
${filterForm(results, peers)}
<main>
${results.map(section)}
</main>
<script type="application/json" id="numbers">${new Markup(JSON.stringify(results).replaceAll('<', '\\u003c'))}</script>
<script type="module">${new Markup(script)}</script>
</body>
</html>
`.text
}

/** Returns each value once, in order, without those that are missing. */
function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter(value => value !== undefined))]
}

function aboutRun(results: readonly Result[]): Markup {
  const dates = distinct(results.map(({ date }) => date)).sort()
  const facts = [
    ['Machine', distinct(results.map(({ machine }) => machine)).join('; ')],
    ['Node', distinct(results.map(({ node }) => node)).join(', ')],
    [
      'Measured',
      [...new Set([dates[0], dates.at(-1)])].filter(date => date).join(' to ') + (dates.length ? ' UTC' : ''),
    ],
  ]
  const versions = Object.entries(Object.assign({}, ...results.map(({ versions }) => versions)) as object)
  return html`${
    results.some(({ isQuick }) => isQuick) &&
    html`<p class="warning"><strong>Made with --quick, which proves that all runs. The numbers mean nothing.</strong></p>`
  }
<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value || 'unknown'}</dd></div>`)}</dl>
${
  versions.length > 0 &&
  html`<details><summary>Versions of ${versions.length} packages</summary>
<ul class="versions">${versions.map(([name, version]) => html`<li>${name} <b>${version}</b></li>`)}</ul></details>`
}
<p>The charts show the first metric of each table: the median of the rounds as a bar, with a line from the lowest to the
highest value where they were recorded. If these lines of two subjects overlap, the run does not tell the subjects apart.
<span class="key ours">a package of anyfork</span> <span class="key peer">a peer</span></p>`
}

/** The script shows the form. Without a script, the page has everything, and no form. */
function filterForm(results: readonly Result[], peers: readonly string[]): Markup {
  return html`<form id="filter" role="search" aria-label="Filter" hidden>
<div class="fields">
<label>Questions with <input type="search" id="words" autocomplete="off" placeholder="such as: pool, or memory"></label>
<button type="reset">Show everything</button>
<button type="button" id="save">Save the numbers as JSON</button>
<output id="shown"></output>
</div>
<fieldset>
<legend>Peers <button type="button" id="all">all</button> <button type="button" id="none">none</button></legend>
${peers.map(
  peer => html`<label><input type="checkbox" name="peer" value="${peer}" checked> ${peer}</label>
`,
)}</fieldset>
</form>
<nav aria-label="Questions"><ol>
${results.map(
  ({ benchmark, title }) => html`<li><a href="#${benchmark}">${title ?? benchmark}</a></li>
`,
)}</ol></nav>`
}

/** Formats words in backticks as code. */
function withCode(text: string): readonly Markup[] {
  return text.split('`').map((part, i) => (i % 2 ? html`<code>${part}</code>` : html`${part}`))
}

function section({ benchmark, title = benchmark, method, rows, date, node, machine, load }: Result): Markup {
  const panels = panelsOf(rows)
  const scales = new Map(panels.map(({ metric }) => [metric, scaleOf(chartedValues(panels, metric))]))
  const namesWidth = namesWidthOf(panels.flatMap(panel => panel.rows.map(row => row.name)))
  const searchable = [benchmark, title, ...panels.map(panel => panel.title), ...rows.map(row => `${row['subject']}`)]
  const taken = [
    date && `${date} UTC`,
    node && `Node ${node}`,
    machine,
    load !== undefined && `load ${load} at the start`,
  ]
  return html`<section id="${benchmark}" data-text="${[...new Set(searchable)].join('\n').toLowerCase()}">
<h2>${title} <a href="#${benchmark}">${benchmark}</a></h2>
${(method ?? '').split('\n\n').map(paragraph => html`<p>${withCode(paragraph)}</p>`)}
<p class="taken">${taken.filter(part => part).join(', ')}</p>
${panels.map(panel => panelFigure(panel, title, scales.get(panel.metric)!, namesWidth))}
</section>
`
}

function panelFigure(panel: Panel, question: string, scale: Scale, namesWidth: number): Markup {
  const { title, metric } = panel
  const label = [title, headingOf(metric)].filter(text => text).join(': ')
  const notes = [title && headingOf(metric), directionOf(metric), scale.type === 'log' && 'logarithmic scale']
  return html`<div class="panel">
${
  metric !== '' &&
  html`<figure>
<figcaption><h3>${title || headingOf(metric)}</h3> <small>${notes.filter(text => text).join(', ')}</small></figcaption>
<div class="scroll" role="img" aria-label="Chart of ${label}. The table below has its numbers.">
${new Markup(panelChart(panel, scale, namesWidth))}</div>
</figure>`
}
<div class="scroll" role="region" aria-label="Table: ${label}">
${table(panel, `${question} ${label}`)}</div>
</div>
`
}

/** Says which values of a metric are better, as far as its name tells. */
export function directionOf(metric: string): string {
  if (/perSecond$/i.test(metric)) return 'more is better'
  return /(?:seconds|mebibytes)$/i.test(metric) ? 'less is better' : ''
}

function table({ rows, nameHeading }: Panel, caption: string): Markup {
  const columns = [...new Set(rows.flatMap(({ measured }) => Object.keys(measured)))].sort(
    (a, b) => Number(a === 'failure') - Number(b === 'failure'),
  )
  return html`<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">${nameHeading}</th>${columns.map(
    column => html`<th scope="col"${classOf(column)}>${headingOf(column)}</th>`,
  )}</tr></thead>
<tbody>
${rows.map(row => tableRow(row, columns))}</tbody>
</table>`
}

function tableRow({ name, subject, measured }: PanelRow, columns: readonly string[]): Markup {
  return html`<tr data-peer="${peerOf(subject)}"${isOurs(subject) && new Markup(' class="ours"')}><th scope="row">${name}</th>${columns.map(
    column =>
      html`<td${classOf(column)}>${column === 'failure' ? `${measured[column] ?? ''}` : formatCell(measured[column])}</td>`,
  )}</tr>
`
}

/** A failure is a text; all other columns have numbers. */
const classOf = (column: string): Markup => new Markup(column === 'failure' ? ' class="failure"' : '')
