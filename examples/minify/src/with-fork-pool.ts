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
const target = `${fileURLToPath(new URL('./minify.js', import.meta.url))}#minify`

/** Runs all files through the command `fork-pool`. */
export async function withForkPool(files: readonly string[], workers: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-minify-'))
  try {
    const report = join(folder, 'report.json')
    const child = spawn(process.execPath, [program, target, '--workers', `${workers}`, '--json', report], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    child.stdin.end(files.join('\n'))
    const lines = (await text(child.stdout)).split('\n').filter(Boolean)
    await closed
    const done = lines.map(line => JSON.parse(line) as Minified)
    const { inputs, failed, seconds, workers: figures } = JSON.parse(readFileSync(report, 'utf8'))
    return {
      files: inputs,
      failed,
      seconds,
      workers: figures,
      bytesIn: sum(done.map(one => one.bytesIn)),
      bytesOut: sum(done.map(one => one.bytesOut)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
