import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Row } from './interleaved-runs.js'
import { tableOf } from './table.js'

/** Where and when something was measured. */
export interface Environment {
  date: string
  node: string
  machine: string
  /** How many processes wanted a processor during the last minute. */
  load: number
  isQuick: boolean
}

export function currentEnvironment(isQuick: boolean): Environment {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    node: process.version,
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? process.arch}, ${gibibytes} GiB, ${process.platform} ${release()}`,
    load: Number(loadavg()[0]!.toFixed(2)),
    isQuick,
  }
}

/** Writes what was found as Markdown and a chart to `<folder>/<name>.md` and `.svg`. */
export async function writeReport(
  folder: string,
  name: string,
  { title, method, before, rows }: { title: string; method: string; before: Environment; rows: readonly Row[] },
): Promise<void> {
  const { chartOf } = await import('./chart.js') // a big library that nothing else needs
  const { date, node, machine, load, isQuick } = before
  mkdirSync(folder, { recursive: true })
  const paragraphs = [
    `# ${title}`,
    method,
    isQuick ? '**With --quick: shows that everything runs, the figures mean nothing.**' : '',
    `${date} UTC, Node ${node}, ${machine}, load ${load} at the start.`,
    tableOf(rows),
    `![the first figure of each, on a logarithmic scale](${name}.svg)`,
  ]
  writeFileSync(join(folder, `${name}.md`), `${paragraphs.filter(text => text).join('\n\n')}\n`)
  writeFileSync(join(folder, `${name}.svg`), chartOf(rows))
}
