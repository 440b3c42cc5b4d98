import { inspect } from 'node:util'
import Table from 'cli-table3'
import type { PoolStats } from '../pool-stats.js'

const LONGEST_TEXT = 40

/** The workers, and what they do. */
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
      running ? short(running.args) : '',
      running ? seconds(running.milliseconds) : '',
      megabytes(memory?.pss),
      megabytes(memory?.uss),
    ])
  }
  const median = run.count ? `, ${(run.percentile(50) / 1e6).toFixed(1)} ms each` : ''
  return `${table.toString()}\n${done}/${known} done, ${calls.failed} failed, ${calls.running} running, ${calls.waiting} waiting, ${spares} spare; ${Math.round(utilisation * 100)} % busy${median}`
}

function short(args: readonly unknown[]): string {
  const text = args
    .map(value => (typeof value === 'string' ? value : inspect(value, { breakLength: Infinity })))
    .join(', ')
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`
}
