import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Row } from './row.js'
import { tableOf } from './table.js'
import { versionsOfSubjects } from './versions.js'

/** When and where the samples were taken. */
export interface Environment {
  /** UTC, to the minute. */
  date: string
  node: string
  machine: string
  /** The load average of the last minute, getloadavg(3). */
  load: number
  isQuick: boolean
  /** The versions of what is measured, by name. */
  versions: Record<string, string>
}

export function currentEnvironment(isQuick: boolean): Environment {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    node: process.version,
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? process.arch}, ${gibibytes} GiB, ${process.platform} ${release()}`,
    load: Number(loadavg()[0]!.toFixed(2)),
    isQuick,
    versions: versionsOfSubjects(),
  }
}

/** What a report says of a benchmark, with the environment as it was before the first sample. */
interface Reported extends Environment {
  benchmark: string
  title: string
  method: string
  rows: readonly Row[]
}

/** Writes a report to `<folder>/<name of the benchmark>.md`, and its chart to the file beside it that ends in `.svg`. */
export async function writeReport(
  folder: string,
  { benchmark, title, method, date, node, machine, load, isQuick, rows }: Reported,
): Promise<void> {
  const { chartOf } = await import('./chart.js') // loads a large library
  mkdirSync(folder, { recursive: true })
  const paragraphs = [
    `# ${title}`,
    method,
    isQuick ? '**Made with --quick, which proves that all runs. The numbers mean nothing.**' : '',
    `${date} UTC, Node ${node}, ${machine}, load ${load} at the start.`,
    tableOf(rows),
    `![the first metric of each subject, on a logarithmic scale](${benchmark}.svg)`,
  ]
  writeFileSync(join(folder, `${benchmark}.md`), `${paragraphs.filter(text => text).join('\n\n')}\n`)
  writeFileSync(join(folder, `${benchmark}.svg`), chartOf(rows))
}
