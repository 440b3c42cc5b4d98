import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Benchmark, Subject } from '@anyfork/benchmarks/harness/benchmark'
import type { Row } from '@anyfork/benchmarks/harness/interleaved-runs'
import { describe, it } from 'mocha'

const dist = fileURLToPath(new URL('..', import.meta.url))
const names = readdirSync(dist)
  .map(file => /^((?:worker|rpc|pool)-[\w-]+)\.js$/.exec(file)?.[1])
  .filter(name => name !== undefined)

/** A variable in the environment of every process that a benchmark starts, to find those that are left over. */
const MARK = `ANYFORK_BENCH_TEST=${randomUUID()}`

/** Runs the command line, and returns what it prints. If a subject fails, it exits with 1, but prints all rows. */
async function bench(...args: string[]): Promise<string> {
  const [name, value] = MARK.split('=') as [string, string]
  const env = { ...process.env, [name]: value }
  try {
    return (await promisify(execFile)(process.execPath, [join(dist, 'index.js'), ...args], { env })).stdout
  } catch (error) {
    const { stdout } = error as { stdout: string }
    if (stdout) return stdout
    throw error
  }
}

describe('npm run bench -- --quick', function () {
  this.timeout(120_000)

  for (const name of names) {
    it(`${name} measures every subject under every setting, and leaves no process`, async () => {
      const { rows } = JSON.parse(await bench(name, '--quick', '--json')) as { rows: Row[] }
      const { benchmark } = (await import(join(dist, `${name}.js`))) as { benchmark: Benchmark }
      for (const setting of benchmark.settings(true)) {
        for (const subject of benchmark.subjects) {
          if (benchmark.excludes?.(subject, setting) || mayBeMissing(subject)) continue
          const row = rows.find(
            row =>
              row['subject'] === subject.name && Object.entries(setting).every(([key, value]) => row[key] === value),
          )
          assert.ok(row, `${subject.name} is missing`)
          assertMetrics(row, name)
        }
      }
      assert.deepEqual(marked(), [])
    })
  }

  it('writes a report with the date, the machine, and the version of Node, and a chart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
    await bench('worker-memory', '--quick', '--markdown', '--output', folder)
    const report = readFileSync(join(folder, 'worker-memory.md'), 'utf8')
    const chart = readFileSync(join(folder, 'worker-memory.svg'), 'utf8')
    rmSync(folder, { recursive: true })
    assert.match(chart, /^<svg .*@anyfork\/fork/s)
    for (const part of [
      '# How much memory does an idle worker use',
      process.version,
      new Date().toISOString().slice(0, 10),
      '--quick',
      '| @anyfork/fork ',
    ])
      assert.ok(report.includes(part), part)
  })

  it('rejects an unknown benchmark with a list of the benchmarks', async () => {
    await assert.rejects(bench('no-such'), new RegExp(names.join('|')))
  })
})

/** Debian packages AnyEvent::Fork but not AnyEvent::Fork::RPC. ANYFORK_PEERS=required means that its packages are installed. */
function mayBeMissing({ perlModule }: Subject): boolean {
  return perlModule !== undefined && (perlModule !== 'AnyEvent::Fork' || process.env['ANYFORK_PEERS'] !== 'required')
}

/** Checks that all metrics are positive numbers. Only in pool-recovery may a peer lack them: it may hang, or never recover. */
function assertMetrics(row: Row, name: string): void {
  if (name === 'pool-recovery' && /^no metrics/.test(String(row['failure'])) && !isOurs(row)) return
  const metrics = Object.entries(row).filter(([, value]) => typeof value !== 'string')
  assert.ok(row['failure'] === undefined && metrics.length >= 4, JSON.stringify(row))
  for (const [metric, value] of metrics)
    assert.ok(
      (value === null && name === 'pool-recovery' && !isOurs(row)) || Number(value) > 0,
      `${metric} of ${JSON.stringify(row)}`,
    )
}

const isOurs = (row: Row): boolean => String(row['subject']).startsWith('@anyfork/')

/** Returns the pids of the running processes whose environment has the mark. */
function marked(): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(MARK)
    } catch {
      return false // it has ended, or belongs to another user
    }
  })
}
