// Fails if one of the packages has lost its lead. Measures it and a peer in the same run, interleaved, and compares the ratio
// with a lower bound: about half of what benchmarks/results recorded, because the machines of CI are small and noisy. Takes
// about five minutes. Run `npm run build` before, and run nothing else meanwhile.
//
//     node scripts/check-benchmarks.js         measures
//     node scripts/check-benchmarks.js --quick proves that all runs; the numbers mean nothing, and are not compared
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

/** `where` selects the rows of a peer. All of them must have at least this ratio: how many times better the package is. */
const BOUNDS = [
  { benchmark: 'worker-start', peer: 'child_process.fork', where: { module: 'bare' }, atLeast: 2.5 },
  { benchmark: 'worker-start', peer: 'child_process.fork', where: { module: 'typescript' }, atLeast: 12 },
  { benchmark: 'worker-memory', peer: 'child_process.fork', where: { module: 'bare' }, atLeast: 2 },
  { benchmark: 'worker-memory', peer: 'child_process.fork', where: { module: 'typescript' }, atLeast: 10 },
  { benchmark: 'rpc-latency', peer: 'child_process.fork, json', where: { cpus: 'free' }, atLeast: 3 },
  { benchmark: 'pool-first-answer', peer: 'piscina', where: {}, atLeast: 2 },
]
const ROUNDS = 3
const top = resolve(import.meta.dirname, '..')
const isQuick = process.argv.includes('--quick')

/** Runs a benchmark. Returns its rows. */
function measure(name) {
  const size = isQuick ? ['--quick'] : ['--rounds', `${ROUNDS}`]
  const args = [join(top, 'benchmarks/dist/index.js'), name, '--json', ...size]
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(stdout).rows
}

const rowsOf = Object.fromEntries(
  [...new Set(BOUNDS.map(({ benchmark }) => benchmark))].map(name => [name, measure(name)]),
)
for (const { benchmark, peer, where, atLeast } of BOUNDS) {
  const rows = rowsOf[benchmark].filter(
    row => row.subject === peer && Object.entries(where).every(([key, value]) => row[key] === value),
  )
  const ratio = Math.min(...rows.map(row => row.ratio ?? Number.NaN))
  const isKept = rows.length > 0 && (isQuick ? !Number.isNaN(ratio) : ratio >= atLeast)
  const setting = Object.values(where).join(', ')
  console.log(
    `${isKept ? 'kept' : 'LOST'}: ${benchmark} ${setting}: ${ratio.toFixed(1)} times better than ${peer}, bound ${atLeast}`,
  )
  if (!isKept) process.exitCode = 1
}
