import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Benchmark, Subject } from '@anyfork/benchmarks/harness/benchmark'
import type { Row } from '@anyfork/benchmarks/harness/row'
import { takeSample } from '@anyfork/benchmarks/harness/sample-process'
import type { Result } from '@anyfork/benchmarks/html-report/result'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const dist = fileURLToPath(new URL('..', import.meta.url))
const names = readdirSync(dist)
  .map(file => /^((?:worker|fork|rpc|pool|prefork|connection|fd)-[\w-]+)\.js$/.exec(file)?.[1])
  .filter(name => name !== undefined)

/** The benchmark whose every subject is measured without the soak too: that with the fewest samples. */
const SMALLEST = 'worker-memory'

/** A variable in the environment of every process that a benchmark starts, to find those that are left over. */
const MARK = { name: 'ANYFORK_BENCH_TEST', value: randomUUID() }
process.env[MARK.name] = MARK.value

/** Runs the command line, and returns what it prints. If a subject fails, it exits with 1, but prints all rows. */
async function bench(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [join(dist, 'index.js'), ...args])).stdout
  } catch (error) {
    const { stdout } = error as { stdout: string }
    if (stdout) return stdout
    throw error
  }
}

/** The file that `--json <file>` writes. */
interface Recorded {
  machine: string
  node: string
  versions: Record<string, string>
  pinnedTo: number | null
  benchmarks: { benchmark: string; load: number; rows: Row[] }[]
}

describe('npm run bench -- --quick', () => {
  for (const name of isSoak ? names : [SMALLEST]) {
    it(`${name} measures every subject under every setting, leaves no process, and writes reports with charts`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
      const report = join(folder, 'report.html')
      const output = await bench(name, '--quick', '--json', '--markdown', '--output', folder, '--report', report)
      const { rows, rounds } = JSON.parse(output) as Required<Result>
      assert.deepEqual(rounds, { done: 1, planned: 1 })
      const benchmark = await load(name)
      for (const setting of benchmark.settings(true)) {
        for (const subject of benchmark.subjects) {
          if (benchmark.excludes?.(subject, setting) || mayBeMissing(subject)) continue
          const row = rows.find(
            row =>
              row['subject'] === subject.name && Object.entries(setting).every(([key, value]) => row[key] === value),
          )
          assert.ok(row, `${subject.name} is missing`)
          assertMetrics(row, name, 4) // a metric, the ratio, the lowest, and the highest
        }
      }
      assert.deepEqual(marked(), [])
      assertReport(folder, name, benchmark)
      assert.match(readFileSync(report, 'utf8'), new RegExp(`<section id="${name}"[^]*<svg `))
      rmSync(folder, { recursive: true })
    })
  }

  it('rejects an unknown benchmark with a list of the benchmarks', async () => {
    await assert.rejects(bench('no-such'), new RegExp(names.join('|')))
  })

  it('runs every file with a benchmark', async () => {
    const listed = await bench('--help')
    for (const name of names) assert.ok(new RegExp(`\\s${name}[,\\s]`).test(listed), name)
  })

  it('--pin and --json write a file with the processor, the rows, the machine, and the versions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
    const file = join(folder, 'rows.json')
    const cpu = Number(/^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
    await bench('pool-scaling', '--quick', '--pin', `${cpu}`, '--json', file)
    const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded
    rmSync(folder, { recursive: true })
    const { machine, node, versions, pinnedTo, benchmarks } = recorded
    assert.deepEqual([machine.length > 0, node, pinnedTo], [true, process.version, cpu])
    assert.match(versions['piscina']!, /^\d+\.\d+/)
    assert.deepEqual(
      benchmarks.map(({ benchmark }) => benchmark),
      ['pool-scaling'],
    )
    assert.ok(benchmarks[0]!.rows.length && benchmarks[0]!.load >= 0)
    for (const row of benchmarks[0]!.rows) assert.equal(row['cpus'], `only ${cpu}`)
  })

  it('rejects a processor that does not exist', async () => {
    await assert.rejects(bench('worker-memory', '--quick', '--pin', '99999'), /cannot pin to processor 99999/)
  })

  it('says that --pin needs taskset where it is not installed', () => {
    const { stderr, status } = spawnSync(process.execPath, [join(dist, 'index.js'), 'worker-memory', '--pin', '0'], {
      encoding: 'utf8',
      env: { PATH: '/nonexistent' },
    })
    assert.deepEqual([/--pin needs taskset/.test(stderr), status], [true, 1])
  })
})

// The soak measures all subjects.
if (!isSoak)
  describe('a quick sample', () => {
    for (const name of names) {
      if (name === SMALLEST) continue
      it(`of ${name} measures our package, and leaves no process`, async () => {
        const benchmark = await load(name)
        const [ours, ...peers] = benchmark.subjects
        const subjectNames = new Set([ours!.name, ...peers.map(peer => peer.name)])
        assert.equal(subjectNames.size, benchmark.subjects.length)
        assertMetrics(await sampleOf(name, benchmark, ours!), name, 1)
        assert.deepEqual(marked(), [])
      })
    }
  })

async function load(name: string): Promise<Benchmark> {
  return ((await import(join(dist, `${name}.js`))) as { benchmark: Benchmark }).benchmark
}

/** Takes one sample of a subject under the first setting, as the command line does. */
async function sampleOf(name: string, benchmark: Benchmark, subject: Subject): Promise<Row> {
  const [setting] = benchmark.settings(true)
  assert.ok(setting && !benchmark.excludes?.(subject, setting), `${subject.name} is excluded`)
  const file = pathToFileURL(join(dist, `${name}.js`)).href
  const options = { isQuick: true, timeoutMs: benchmark.timeoutMs ?? 60_000 }
  return { subject: subject.name, ...(await takeSample(file, subject, setting, options)) }
}

/** Checks that a report has the question, the date, the machine, and the version of Node, and that its chart has rows. */
function assertReport(folder: string, name: string, { title, subjects }: Benchmark): void {
  const report = readFileSync(join(folder, `${name}.md`), 'utf8')
  const chart = readFileSync(join(folder, `${name}.svg`), 'utf8')
  const [first] = subjects
  assert.ok(/^<svg /.test(chart) && chart.includes(first!.name), chart)
  for (const part of [
    `# ${title.replace(/\?$/, '')}`,
    process.version,
    new Date().toISOString().slice(0, 10),
    '--quick',
    `| ${first!.name} `,
  ])
    assert.ok(report.includes(part), part)
}

/** Debian packages AnyEvent::Fork but not AnyEvent::Fork::RPC. ANYFORK_PEERS=required means that its packages are installed. */
function mayBeMissing({ perlModule, needs }: Subject): boolean {
  if (needs !== undefined && needs !== 'cc') return true
  return perlModule !== undefined && (perlModule !== 'AnyEvent::Fork' || process.env['ANYFORK_PEERS'] !== 'required')
}

/** Checks that there are so many metrics, and that all are positive numbers, or numbers of errors. Only in pool-recovery may a peer lack them: it may hang, or never recover. */
function assertMetrics(row: Row, name: string, atLeast: number): void {
  if (name === 'pool-recovery' && /^no metrics/.test(String(row['failure'])) && !isOurs(row)) return
  const metrics = Object.entries(row).filter(([, value]) => typeof value !== 'string')
  assert.ok(row['failure'] === undefined && metrics.length >= atLeast, JSON.stringify(row))
  for (const [metric, value] of metrics)
    assert.ok(
      (value === null && name === 'pool-recovery' && !isOurs(row)) ||
        Number(value) > (metric === 'errorsDuringReload' ? -1 : 0),
      `${metric} of ${JSON.stringify(row)}`,
    )
}

const isOurs = (row: Row): boolean => String(row['subject']).startsWith('@anyfork/')

/** Returns the pids of the running processes whose environment has the mark. */
function marked(): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK.name}=${MARK.value}`)
    } catch {
      return false // it has ended, or belongs to another user
    }
  })
}
