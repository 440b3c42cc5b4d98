import { writeFileSync } from 'node:fs'
import type { Result } from '../html-report/result.js'
import { currentEnvironment } from './report.js'

interface JsonFileOptions {
  isQuick: boolean
  /** The time limit of the run; `Infinity` if it has none. */
  minutes: number
  pinTo?: number | undefined
}

/** A file with the rows of all benchmarks of a run, and with all that the rows depend on. */
export class JsonFile {
  readonly #path: string
  readonly #run: Record<string, unknown>

  /**
   * Writes a file without benchmarks, so that a path that cannot be written fails before the first sample.
   *
   * @param path - is replaced
   */
  constructor(path: string, { isQuick, minutes, pinTo }: JsonFileOptions) {
    const { node, machine, versions } = currentEnvironment(isQuick)
    this.#path = path
    this.#run = {
      machine,
      node,
      versions,
      pinnedTo: pinTo ?? null,
      minutes: Number.isFinite(minutes) ? minutes : null,
      isQuick,
    }
    this.write([])
  }

  /** Writes the file again, with what the benchmarks have measured so far. */
  write(results: Iterable<Result>): void {
    const benchmarks = Array.from(results, ({ machine, node, versions, isQuick, ...ofBenchmark }) => ofBenchmark)
    writeFileSync(this.#path, `${JSON.stringify({ ...this.#run, benchmarks }, null, 2)}\n`)
  }
}
