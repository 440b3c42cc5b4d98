import progress from 'cli-progress'
import type { PoolStats } from '../pool-stats.js'
import { draw } from './drawing.js'
import { tableOf } from './live-view.js'

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
