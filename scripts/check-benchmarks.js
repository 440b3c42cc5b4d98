// Fails if one of the packages has lost its lead. Measures it and a peer in the same run, interleaved, and compares the ratio
// with a bound: two thirds of the ratio in benchmarks/results/recorded.json, a file of `npm run bench -- --json <file>`.
// Without that file, or for a benchmark that it lacks, the bound is the `atLeast` below. Takes about five minutes. Run
// `npm run build` before, as `npm run bench:check` does, and run nothing else meanwhile.
//
//     node scripts/check-benchmarks.js         measures
//     node scripts/check-benchmarks.js --quick proves that all runs; the numbers mean nothing, and are not compared
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * `where` selects the rows of a peer. The ratio says how many times better the package is; that of the worst row counts.
 * `atLeast` is about half of what was once measured, because the machines of CI are small and noisy.
 */
const BOUNDS = [
  { benchmark: 'worker-start', peer: 'child_process.fork', where: { module: 'bare' }, atLeast: 2.5 },
  { benchmark: 'worker-start', peer: 'child_process.fork', where: { module: 'typescript' }, atLeast: 12 },
  { benchmark: 'worker-memory', peer: 'child_process.fork', where: { module: 'bare' }, atLeast: 2 },
  { benchmark: 'worker-memory', peer: 'child_process.fork', where: { module: 'typescript' }, atLeast: 10 },
  { benchmark: 'rpc-latency', peer: 'child_process.fork, json', where: { cpus: 'free' }, atLeast: 3 },
  { benchmark: 'pool-first-answer', peer: 'piscina', where: {}, atLeast: 2 },
]
const ROUNDS = 3
/** A ratio that has dropped to less than this part of the recorded one is lost. */
const KEPT_PART = 2 / 3
const top = resolve(import.meta.dirname, '..')
const isQuick = process.argv.includes('--quick')

/** Runs a benchmark. Returns its rows. */
function measure(name) {
  const size = isQuick ? ['--quick'] : ['--rounds', `${ROUNDS}`]
  const args = [join(top, 'benchmarks/dist/index.js'), name, '--json', ...size]
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(stdout).rows
}

/** Returns the benchmarks of the recording, or none if there is no recording. */
function readRecording() {
  const file = join(top, 'benchmarks/results/recorded.json')
  if (!existsSync(file)) return []
  const { isQuick, benchmarks } = JSON.parse(readFileSync(file, 'utf8'))
  if (isQuick) throw new Error(`${file} was made with --quick: its numbers mean nothing`)
  return benchmarks
}

/** Returns the worst ratio of the rows that match, or NaN if there are none. */
function worstRatio(rows, { peer, where }) {
  const ratios = rows
    .filter(row => row.subject === peer && Object.entries(where).every(([key, value]) => row[key] === value))
    .map(row => row.ratio ?? Number.NaN)
  return ratios.length ? Math.min(...ratios) : Number.NaN
}

/** Returns what the ratio must be at least. */
function boundOf(bound, recording) {
  const rows = recording.find(({ benchmark }) => benchmark === bound.benchmark)?.rows ?? []
  const recorded = worstRatio(rows, bound)
  return Number.isNaN(recorded) ? bound.atLeast : KEPT_PART * recorded
}

const recording = readRecording()
const rowsOf = Object.fromEntries(
  [...new Set(BOUNDS.map(({ benchmark }) => benchmark))].map(name => [name, measure(name)]),
)
for (const bound of BOUNDS) {
  const { benchmark, peer, where } = bound
  const ratio = worstRatio(rowsOf[benchmark], bound)
  const atLeast = boundOf(bound, recording)
  const isKept = isQuick ? !Number.isNaN(ratio) : ratio >= atLeast
  const setting = Object.values(where).join(', ')
  console.log(
    `${isKept ? 'kept' : 'LOST'}: ${benchmark} ${setting}: ${ratio.toFixed(1)} times better than ${peer}, bound ${atLeast.toFixed(1)}`,
  )
  if (!isKept) process.exitCode = 1
}
