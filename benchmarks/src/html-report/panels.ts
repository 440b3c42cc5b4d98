import type { Row } from '../harness/row.js'
import { bySetting } from '../harness/table.js'

/** The rows of one chart and of the table below it. */
export interface Panel {
  /** The setting, such as `module: bare, cpus: free`. Empty if there is none. */
  title: string
  /** The first metric, which the chart shows. Empty if all samples have failed. */
  metric: string
  /** The heading of the names: `subject`, or `setting`. */
  nameHeading: string
  rows: PanelRow[]
}

export interface PanelRow {
  /** The subject, or the setting if the only subject of the benchmark is measured under several. */
  name: string
  subject: string
  /** The columns of the table after the name. */
  measured: Row
}

/** Splits the rows of a benchmark into panels, one per setting. If each had only one row, all rows share one panel. */
export function panelsOf(rows: readonly Row[]): Panel[] {
  const groups = [...bySetting(rows)]
  const subjects = new Set(rows.map(row => row['subject']))
  if (subjects.size === 1 && groups.length > 1)
    return [
      panelOf(
        `${[...subjects][0]}`,
        'setting',
        groups.flatMap(([title, group]) => group.map(row => rowOf(row, title))),
      ),
    ]
  return groups.map(([title, group]) =>
    panelOf(
      title,
      'subject',
      group.map(row => rowOf(row)),
    ),
  )
}

function panelOf(title: string, nameHeading: string, rows: PanelRow[]): Panel {
  return { title, nameHeading, rows, metric: rows.flatMap(({ measured }) => metricsOf(measured))[0] ?? '' }
}

function rowOf({ subject, ...measured }: Row, name = `${subject}`): PanelRow {
  return { name, subject: `${subject}`, measured }
}

const metricsOf = (measured: Row): string[] => Object.keys(measured).filter(name => name !== 'failure')

/** Returns a number of a row, or `null` if there is none. */
export function numberOf(row: Row, column: string): number | null {
  const value = row[column]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** Returns what a chart shows of these panels if they have this metric: the values, and their extremes. */
export function chartedValues(panels: readonly Panel[], metric: string): number[] {
  return panels
    .filter(panel => panel.metric === metric)
    .flatMap(({ rows }) =>
      rows.flatMap(({ measured }) => [metric, 'lowest', 'highest'].map(name => numberOf(measured, name))),
    )
    .filter(value => value !== null)
}
