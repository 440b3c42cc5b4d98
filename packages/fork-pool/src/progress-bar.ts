import { SingleBar } from 'cli-progress'

/** How far the work is, on standard error. */
export interface ProgressBar {
  /** So many inputs are known. */
  expect(inputs: number): void
  /** One more is done. */
  step(): void
  stop(): void
}

/** Draws a bar where standard error is a terminal, else nothing. */
export function progressBar(total: number): ProgressBar {
  if (!process.stderr.isTTY) return { expect: () => {}, step: () => {}, stop: () => {} }
  const bar = new SingleBar({ stream: process.stderr, clearOnComplete: true, format: '{bar} {value}/{total} {eta_formatted}' })
  bar.start(total, 0)
  return {
    expect: inputs => {
      if (inputs > bar.getTotal()) bar.setTotal(inputs)
    },
    step: () => bar.increment(),
    stop: () => bar.stop(),
  }
}
