import { inspect } from 'node:util'
import progress from 'cli-progress'
import Table from 'cli-table3'
import { createLogUpdate } from 'log-update'
import type { PoolStats } from '../pool-stats.js'

/** Shows on standard error how many inputs are done. */
export interface Progress extends Drawing {
  /** Reports how many inputs are known so far. */
  expect(inputs: number): void
  /** Reports that one more input is done. */
  step(): void
}

/** A text on standard error that is redrawn in place. */
interface Drawing {
  /** Erases the drawing. Call this before writing a line to the terminal. */
  clear(): void
  /** Ends the drawing. Idempotent. */
  stop(): Promise<void>
}

const PERIOD_MS = 200
/** The period if standard error is not a terminal, so that each drawing is appended. */
const PLAIN_PERIOD_MS = 2000
const BAR = { barsize: 40, barCompleteString: '='.repeat(40), barIncompleteString: '-'.repeat(40), barGlue: '' }
const LONGEST_TEXT = 40

/**
 * Shows a table of the workers if `isWatching`, else a bar if standard error is a terminal, else nothing.
 *
 * @param total - how many inputs are known at the beginning
 */
export function showProgress(total: number, isWatching: boolean, stats: () => Promise<PoolStats>): Progress {
  let known = total
  let done = 0
  const startedAt = performance.now()
  const counting = { expect: (inputs: number) => void (known = Math.max(known, inputs)), step: () => void done++ }
  if (isWatching) return { ...counting, ...draw(async () => tableOf(await stats(), done, known), true) }
  if (process.stderr.isTTY)
    return { ...counting, ...draw(() => barOf(done, known, performance.now() - startedAt), false) }
  return { ...counting, clear: () => {}, stop: async () => {} }
}

/**
 * Draws again and again.
 *
 * @param staysAtEnd - whether `stop` draws once more, rather than erases the drawing
 */
function draw(text: () => string | Promise<string>, staysAtEnd: boolean): Drawing {
  const { isTTY } = process.stderr
  const view = isTTY ? createLogUpdate(process.stderr, { showCursor: true }) : undefined
  let hasStopped = false
  const drawOnce = async (isLast = false): Promise<void> => {
    const drawn = await text()
    if (hasStopped && !isLast) return
    if (view) view(drawn)
    else process.stderr.write(`${drawn}\n`)
  }
  const tick = (): void => {
    timer = setTimeout(tick, isTTY ? PERIOD_MS : PLAIN_PERIOD_MS)
    void drawOnce()
  }
  let timer = setTimeout(tick, PERIOD_MS)
  return {
    clear: () => view?.clear(),
    stop: async () => {
      if (hasStopped) return
      hasStopped = true
      clearTimeout(timer)
      if (staysAtEnd) await drawOnce(true)
      else view?.clear()
      view?.done()
    },
  }
}

/** @param milliseconds - the time that has passed, from which the bar estimates the rest */
function barOf(done: number, known: number, milliseconds: number): string {
  const secondsLeft = Math.ceil(((known - done) * milliseconds) / done / 1000)
  const timeLeft = done ? ` ${progress.Format.TimeFormat(secondsLeft, { autopaddingChar: ' ' }, 5)}` : ''
  return `${progress.Format.BarFormat(known ? done / known : 0, BAR)} ${done}/${known}${timeLeft}`
}

/** Returns a table of the template and the workers, and a line of counts. */
function tableOf(
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
      running ? shortText(running.args) : '',
      running ? seconds(running.milliseconds) : '',
      megabytes(memory?.pss),
      megabytes(memory?.uss),
    ])
  }
  const median = run.count ? `, median ${(run.percentile(50) / 1e6).toFixed(1)} ms` : ''
  const counts = `${done}/${known} done, ${calls.failed} failed, ${calls.running} running, ${calls.waiting} waiting`
  return `${table.toString()}\n${counts}, ${spares} spare; ${Math.round(utilisation * 100)} % busy${median}`
}

function shortText(args: readonly unknown[]): string {
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
