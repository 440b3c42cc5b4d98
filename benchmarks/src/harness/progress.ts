import progress from 'cli-progress'
import { createLogUpdate } from 'log-update'
import type { Metrics } from './benchmark.js'
import type { SampleCount } from './benchmark-run.js'

/** Shows how far a run is. */
export interface Progress {
  /** Call this after each sample. */
  onSample(name: string, result: Metrics | Error, count: SampleCount): void
  /** Erases the bar until the next sample. Call this before writing anything else to the terminal. */
  clear(): void
}

interface ProgressOptions {
  /** The time limit of the run; `Infinity` if it has none. */
  minutes: number
  /** Leaves out lines, because the output is for programs. */
  isQuiet: boolean
  stream?: NodeJS.WriteStream
}

const BAR = { barsize: 40, barCompleteString: '='.repeat(40), barIncompleteString: '-'.repeat(40), barGlue: '' }

/**
 * Shows a bar on a terminal, and elsewhere a line per sample. The bar changes only when a sample has been taken: a timer
 * would disturb the samples. A terminal keeps the lines of failures.
 */
export function showProgress({ minutes, isQuiet, stream = process.stderr }: ProgressOptions): Progress {
  const writeLine = (name: string, result: string): void => void stream.write(`${name}: ${result}\n`)
  if (!stream.isTTY)
    return {
      onSample: (name, result) => {
        if (!isQuiet) writeLine(name, result instanceof Error ? result.message : JSON.stringify(result))
      },
      clear: () => {},
    }
  const view = createLogUpdate(stream, { showCursor: true })
  const startedAt = performance.now()
  return {
    onSample: (name, result, count) => {
      if (result instanceof Error) {
        view.clear()
        writeLine(name, result.message)
      }
      view(`${barOf(count, performance.now() - startedAt, minutes * 60_000)}\n${name}`)
    },
    clear: () => view.clear(),
  }
}

/**
 * Estimates the rest from the time that has passed. It is at least that of the required samples, and otherwise not beyond
 * the limit.
 *
 * @param passed - milliseconds
 * @param limit - milliseconds; `Infinity` if there is no limit
 */
export function barOf({ done, required, total }: SampleCount, passed: number, limit: number): string {
  const perSample = passed / done
  const left = Math.max(0, (required - done) * perSample, Math.min((total - done) * perSample, limit - passed))
  const timeLeft = progress.Format.TimeFormat(Math.ceil(left / 1000), { autopaddingChar: ' ' }, 5)
  return `${progress.Format.BarFormat(done / total, BAR)} ${done}/${total} ${timeLeft}`
}
