import progress from 'cli-progress'
import { createLogUpdate } from 'log-update'
import type { OnSample, SampleCount } from './interleaved-runs.js'

/** Shows how far a benchmark is. */
export interface Progress {
  onSample: OnSample
  /** Erases the bar. Call this before writing anything else to the terminal. */
  stop(): void
}

const BAR = { barsize: 40, barCompleteString: '='.repeat(40), barIncompleteString: '-'.repeat(40), barGlue: '' }

/**
 * Shows a bar on a terminal, and elsewhere a line per sample. The bar changes only when a sample has been taken: a timer
 * would disturb the samples. A terminal keeps the lines of failures.
 *
 * @param isQuiet - whether lines are left out, because the output is for programs
 */
export function showProgress(
  benchmark: string,
  isQuiet: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  const writeLine = (title: string, result: string): void => void stream.write(`${benchmark}: ${title}: ${result}\n`)
  if (!stream.isTTY)
    return {
      onSample: (title, result) => {
        if (!isQuiet) writeLine(title, result instanceof Error ? result.message : JSON.stringify(result))
      },
      stop: () => {},
    }
  const view = createLogUpdate(stream, { showCursor: true })
  const startedAt = performance.now()
  return {
    onSample: (title, result, count) => {
      if (result instanceof Error) {
        view.clear()
        writeLine(title, result.message)
      }
      view(`${benchmark} ${barOf(count, performance.now() - startedAt)}\n${title}`)
    },
    stop: () => {
      view.clear()
      view.done()
    },
  }
}

/** @param milliseconds - the time that has passed, from which the bar estimates the rest */
export function barOf({ done, total }: SampleCount, milliseconds: number): string {
  const secondsLeft = Math.ceil(((total - done) * milliseconds) / done / 1000)
  const timeLeft = progress.Format.TimeFormat(secondsLeft, { autopaddingChar: ' ' }, 5)
  return `${progress.Format.BarFormat(done / total, BAR)} ${done}/${total} ${timeLeft}`
}
