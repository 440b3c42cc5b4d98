import { markdownTable } from 'markdown-table'
import type { Row } from './row.js'

/** Splits a row into its setting, which is all before `subject`, and the columns of the table. */
export function splitRow(row: Row): { setting: Row; measured: Row } {
  const keys = Object.keys(row)
  const pick = (names: string[]): Row => Object.fromEntries(names.map(name => [name, row[name]!]))
  return { setting: pick(keys.slice(0, keys.indexOf('subject'))), measured: pick(keys.slice(keys.indexOf('subject'))) }
}

/** Groups rows by their setting. The keys are headings, such as `module: bare, cpus: free`. */
export function bySetting(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const { setting, measured } = splitRow(row)
    const title = Object.entries(setting)
      .map(([name, value]) => `${headingOf(name)}: ${value}`)
      .join(', ')
    groups.set(title, [...(groups.get(title) ?? []), measured])
  }
  return groups
}

/** Formats rows as Markdown tables, one per setting. */
export function tableOf(rows: readonly Row[]): string {
  return [...bySetting(rows)]
    .map(([title, group]) => (title ? `**${title}**\n\n` : '') + singleTable(group))
    .join('\n\n')
}

function singleTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const cells = rows.map(row => columns.map(column => formatCell(row[column])))
  return markdownTable([columns.map(headingOf), ...cells], {
    align: columns.map(column => (column === 'subject' || column === 'failure' ? 'l' : 'r')),
  })
}

const units: [ending: RegExp, symbol: string][] = [
  [/^mebibytesPerSecond$/, 'MiB per second'],
  [/Milliseconds$/i, ' ms'],
  [/Microseconds$/i, ' µs'],
  [/Mebibytes$/i, ' MiB'],
]

/** Turns a name into a heading: `medianMilliseconds` becomes `median ms`. */
export function headingOf(name: string): string {
  const [ending, symbol = ''] = units.find(([ending]) => ending.test(name)) ?? []
  const rest = ending ? name.replace(ending, '') : name
  const spaced = rest
    .replace(/(?<=\w)[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
    .replace(/\b(pss|uss)\b/, name => name.toUpperCase())
  return (spaced + symbol).trim()
}

/** Formats a number with three significant digits, or as an integer from 1,000. Missing values become a dash. */
export function formatCell(value: string | number | null | undefined): string {
  if (typeof value !== 'number') return value ?? '–'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  return `${Number(value.toPrecision(3))}`
}
