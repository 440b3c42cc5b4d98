import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Minified } from './minify.js'
import type { Outcome } from './outcome.js'

const program = join(dirname(fileURLToPath(import.meta.resolve('@anyfork/fork-pool/package.json'))), 'bin/fork-pool.js')
/** The function that the workers run, as the command names it: module#export. */
const target = `${fileURLToPath(new URL('./minify.js', import.meta.url))}#minify`

/**
 * Minifies all files with the command `fork-pool`, which reads the files from its standard input and prints one result per
 * line.
 *
 * @param workers - the maximum number of workers
 */
export async function withForkPool(files: readonly string[], workers: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-minify-'))
  try {
    const report = join(folder, 'report.json')
    // The order does not matter here. Kept, it would let other workers wait for that of a slow file.
    const options = ['--workers', `${workers}`, '--unordered', '--json', report]
    const child = spawn(process.execPath, [program, target, ...options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    child.stdin.end(files.join('\n'))
    const lines = (await text(child.stdout)).split('\n').filter(Boolean)
    await closed
    const results = lines.map(line => JSON.parse(line) as Minified)
    const { inputs, failed, seconds, started, workers: workerStatistics } = JSON.parse(readFileSync(report, 'utf8'))
    return {
      files: inputs,
      failed,
      seconds,
      started,
      workers: workerStatistics,
      bytesIn: sum(results.map(result => result.bytesIn)),
      bytesOut: sum(results.map(result => result.bytesOut)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
