import { inspect } from 'node:util'
import Table from 'cli-table3'
import type { PoolStats } from '../pool-stats.js'

const LONGEST_TEXT = 40

/** Returns a table of the template and the workers, and a line of counts. */
export function tableOf(
  { workers, template, calls, spares, utilisation, run }: PoolStats,
  done: number,
  known: number,
): string {
  const table = new Table({
    head: ['pid', 'state', 'calls', 'call', 'for', 'PSS', 'USS'],
    style: { head: [], border: [] },
    colAligns: ['right', 'left', 'right', 'left', 'right', 'right', 'right'],
  })
  table.push([
    `${template.pid ?? ''}`,
    'template',
    '',
    '',
    '',
    megabytes(template.memory?.pss),
    megabytes(template.memory?.uss),
  ])
  for (const { pid, state, calls, running, memory } of workers) {
    table.push([
      `${pid}`,
      state,
      `${calls}`,
      running ? shortText(running.args.at(-1)) : '',
      running ? seconds(running.milliseconds) : '',
      megabytes(memory?.pss),
      megabytes(memory?.uss),
    ])
  }
  const median = run.count ? `, median ${(run.percentile(50) / 1e6).toFixed(1)} ms` : ''
  const counts = `${done}/${known} done, ${calls.failed} failed, ${calls.running} running, ${calls.waiting} waiting`
  return `${table.toString()}\n${counts}, ${spares} spare; ${Math.round(utilisation * 100)} % busy${median}`
}

/** @param value - the input: with `--results`, other arguments come before it */
function shortText(value: unknown): string {
  const text = typeof value === 'string' ? value : inspect(value, { breakLength: Infinity })
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`
}
