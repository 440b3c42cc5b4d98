import type { Result } from '../html-report/result.js'
import type { JsonFile } from './json-file.js'
import { writeReport } from './report.js'
import { tableOf } from './table.js'

export interface OutputOptions {
  /** Prints a line of JSON per benchmark instead of tables. */
  isJson: boolean
  /** The file with all rows. */
  jsonFile?: JsonFile | undefined
  /** The folder for a report with a chart for each benchmark. */
  reportFolder?: string | undefined
  /** The path of the HTML page. */
  htmlReport?: string | undefined
}

/** Writes what the benchmarks of a run have measured, wherever the command line says. */
export class Output {
  readonly #options: OutputOptions
  readonly #results = new Map<string, Required<Result>>()

  constructor(options: OutputOptions) {
    this.#options = options
  }

  /** Records what a benchmark has measured so far: a run that is ended early leaves it in the JSON file. */
  record(result: Required<Result>): void {
    this.#results.set(result.benchmark, result)
    this.#options.jsonFile?.write(this.#results.values())
  }

  /** Prints what benchmarks have measured in their last rounds, and writes the reports. */
  async finish(...results: Required<Result>[]): Promise<void> {
    for (const result of results) {
      this.record(result)
      await this.#finishOne(result)
    }
    const { htmlReport } = this.#options
    if (htmlReport !== undefined && results.length) {
      const { writeHtmlReport } = await import('../html-report/write-report.js') // loads a large library
      writeHtmlReport(htmlReport, [...this.#results.values()])
    }
  }

  async #finishOne(result: Required<Result>): Promise<void> {
    const { isJson, reportFolder } = this.#options
    if (isJson) console.log(JSON.stringify(result))
    else console.log(`\n# ${result.title}\n\n${result.method}\n\n${tableOf(result.rows)}\n`)
    if (reportFolder !== undefined) await writeReport(reportFolder, result)
    for (const { subject, failure } of result.rows) {
      if (failure === undefined) continue
      console.error(`${result.benchmark}: ${subject} failed: ${failure}`)
      process.exitCode = 1
    }
  }
}
