import { readFileSync, writeFileSync } from 'node:fs'
import { reportPage } from './page.js'
import { parseResults, type Result } from './result.js'

/** Writes results as one HTML page. Replaces the file if it exists. */
export function writeHtmlReport(file: string, results: readonly Result[]): void {
  writeFileSync(file, reportPage(results))
}

/** Reads what `--json` has printed. @throws TypeError if the file has something else */
export function readResults(file: string): Result[] {
  return parseResults(readFileSync(file, 'utf8'))
}
