import type { Environment } from '../harness/report.js'
import type { RoundCount } from '../harness/round-count.js'
import type { Row } from '../harness/row.js'

/** What a benchmark has measured, as `--json` prints it on one line. */
export interface Result extends Partial<Environment> {
  benchmark: string
  title?: string
  method?: string
  rounds?: RoundCount
  rows: readonly Row[]
}

/** The results of a run, as `--json <file>` writes them. Each benchmark has what the run says of all of them. */
interface Run extends Partial<Environment> {
  /** In older files: the value of `--rounds`. */
  rounds?: unknown
  benchmarks: Result[]
}

/**
 * Reads saved results: one line of JSON per benchmark, as `--json` prints them, or a file that
 * `--json <file>` has written.
 *
 * @throws TypeError if the text is neither
 */
export function parseResults(text: string): Result[] {
  const values = valuesIn(text)
  if (!values.length) throw new TypeError('expected the JSON of at least one benchmark; there is none')
  return values.flatMap(value => {
    if (isResult(value)) return [value]
    if (isRun(value)) return resultsOf(value)
    throw new TypeError('expected results that --json has printed; a benchmark, or its rows, are missing')
  })
}

function valuesIn(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text
      .split('\n')
      .filter(line => line.trim())
      .map((line, i) => {
        try {
          return JSON.parse(line)
        } catch (cause) {
          throw new TypeError(`expected JSON in line ${i + 1}`, { cause })
        }
      })
  }
}

function isResult(value: unknown): value is Result {
  return isObject(value) && typeof value['benchmark'] === 'string' && areRows(value['rows'])
}

function isRun(value: unknown): value is Run {
  return isObject(value) && Array.isArray(value['benchmarks']) && value['benchmarks'].every(isResult)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const areRows = (value: unknown): boolean =>
  Array.isArray(value) && value.every(row => isObject(row) && typeof row['subject'] === 'string')

function resultsOf({ benchmarks, rounds: _, ...shared }: Run): Result[] {
  return benchmarks.map(one => ({ ...shared, ...one }))
}
