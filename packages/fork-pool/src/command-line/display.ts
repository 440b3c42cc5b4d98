import { clearLine, cursorTo } from 'node:readline'
import { SingleBar } from 'cli-progress'
import type { PoolStats } from '../pool-stats.js'
import { liveView } from './live-view.js'

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

/** Draws the workers where that was asked for, a bar where standard error is a terminal, else nothing. */
export function display(total: number, isWatching: boolean, stats: () => Promise<PoolStats>): Display {
  if (isWatching) return liveView(total, stats)
  if (process.stderr.isTTY) return progressBar(total)
  return { expect: () => {}, step: () => {}, clear: () => {}, stop: async () => {} }
}

function progressBar(total: number): Display {
  const bar = new SingleBar({ stream: process.stderr, clearOnComplete: true, forceRedraw: true, format: '{bar} {value}/{total} {eta_formatted}' })
  bar.start(total, 0)
  return {
    expect: inputs => {
      if (inputs > bar.getTotal()) bar.setTotal(inputs)
    },
    step: () => bar.increment(),
    clear: () => {
      cursorTo(process.stderr, 0)
      clearLine(process.stderr, 0)
    },
    stop: async () => bar.stop(),
  }
}
