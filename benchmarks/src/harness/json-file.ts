import { writeFileSync } from 'node:fs'
import type { Row } from './interleaved-runs.js'
import { currentEnvironment } from './report.js'

/** What is recorded of one benchmark. */
export interface RecordedBenchmark {
  benchmark: string
  title: string
  method: string
  /** When its first sample was taken: UTC, to the minute. */
  date: string
  /** The load average of the minute before, getloadavg(3). */
  load: number
  rows: readonly Row[]
}

/** A file with the rows of all benchmarks of a run, and with all that the rows depend on. */
export class JsonFile {
  readonly #path: string
  readonly #run: Record<string, unknown>
  readonly #benchmarks: RecordedBenchmark[] = []

  /**
   * Writes a file without benchmarks, so that a path that cannot be written fails before the first sample.
   *
   * @param path - is replaced
   */
  constructor(path: string, { quick = false, rounds, pin }: { quick?: boolean; rounds?: number; pin?: number }) {
    const { node, machine, versions } = currentEnvironment(quick)
    this.#path = path
    this.#run = {
      machine,
      node,
      versions,
      pinnedTo: pin ?? null,
      rounds: rounds ?? 'default',
      isQuick: quick,
    }
    this.#write()
  }

  /** Adds a benchmark, and writes the file again: a run that is ended early leaves what it has measured. */
  add(benchmark: RecordedBenchmark): void {
    this.#benchmarks.push(benchmark)
    this.#write()
  }

  #write(): void {
    writeFileSync(this.#path, `${JSON.stringify({ ...this.#run, benchmarks: this.#benchmarks }, null, 2)}\n`)
  }
}
