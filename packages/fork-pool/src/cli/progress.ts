import { inspect } from 'node:util'
import progress from 'cli-progress'
import Table from 'cli-table3'
import { createLogUpdate } from 'log-update'
import type { PoolStats } from '../pool-stats.js'

/** How far the work is, on standard error. */
export interface Display {
  /** So many inputs are known. */
  expect(inputs: number): void
  /** One more is done. */
  step(): void
  /** To be called before a line is written to the terminal. */
  clear(): void
  stop(): Promise<void>
}

const BAR = { barsize: 40, barCompleteString: '='.repeat(40), barIncompleteString: '-'.repeat(40), barGlue: '' }

/** Draws the workers where that was asked for, a bar where standard error is a terminal, else nothing. */
export function display(total: number, isWatching: boolean, stats: () => Promise<PoolStats>): Display {
  let known = total
  let done = 0
  const startedAt = performance.now()
  const counting = { expect: (inputs: number) => void (known = Math.max(known, inputs)), step: () => void done++ }
  if (isWatching) return { ...counting, ...draw(async () => tableOf(await stats(), done, known), true) }
  if (process.stderr.isTTY)
    return { ...counting, ...draw(() => barOf(done, known, performance.now() - startedAt), false) }
  return { ...counting, clear: () => {}, stop: async () => {} }
}

/** @param milliseconds - that it took so far */
function barOf(done: number, known: number, milliseconds: number): string {
  const rest = done
    ? ` ${progress.Format.TimeFormat(Math.ceil(((known - done) * milliseconds) / done / 1000), { autopaddingChar: ' ' }, 5)}`
    : ''
  return `${progress.Format.BarFormat(known ? done / known : 0, BAR)} ${done}/${known}${rest}`
}

/** What is drawn on a terminal again and again, in its own place. */
interface Drawing {
  /** To be called before a line is written to the terminal. */
  clear(): void
  /** Draws it once more, where it is to stay, or takes it away. Idempotent. */
  stop(): Promise<void>
}

const PERIOD_MS = 200
/** Where standard error is no terminal, it is written anew, below. */
const PLAIN_PERIOD_MS = 2000

/**
 * Draws on standard error.
 *
 * @param text - what is to be drawn
 * @param stays - whether it stays there in the end
 */
function draw(text: () => string | Promise<string>, stays: boolean): Drawing {
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
      if (stays) await drawOnce(true)
      else view?.clear()
      view?.done()
    },
  }
}

const LONGEST_TEXT = 40

/** The workers, and what they do. */
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
