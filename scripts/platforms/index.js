// Prints a table of platforms: whether a pool has real forks there, falls back to fresh processes and says so, or throws a
// clear error. Runs a small program under each condition. Run `npm run build` before.
//
//     node scripts/platforms             all rows
//     node scripts/platforms TEXT...     the rows whose names contain one of these texts
//     node scripts/platforms --here      only this machine as it is: for systems that lack the rest
//
// Rows that need another machine name the job of .github/workflows/ci.yml that runs them; rows for which this machine lacks
// something say what. Exits with 1 if any outcome is another one than expected.
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { outcomeOf } from '../pool-program/outcome.js'
import { makeProject } from './project.js'
import { rows } from './rows.js'

const letters = { fork: 'W', exec: 'F' }
const here = {
  platform: `${process.platform}, ${process.arch}, Node ${process.versions.node}`,
  expected: process.platform === 'linux' ? 'fork' : 'exec',
  command: folder => [[process.execPath, 'main.mjs'], { cwd: folder }],
}

/** Returns the letter of a row, and what was seen. */
async function evaluate({ expected, job, needs, command }, folder) {
  if (job) return ['–', `not run here: job \`${job}\``]
  const missing = needs?.() ?? true
  if (missing !== true) return ['–', `not run here: ${missing}; job \`platforms\``]
  let run
  try {
    run = command(folder)
  } catch (error) {
    if (process.env.CI) return ['X', error.message.split('\n')[0]]
    return ['–', `not run here: ${error.message.split('\n')[0]}`]
  }
  const { kind, text } = await outcomeOf(...run)
  if (kind !== expected) return ['X', `${text}, expected ${expected}`]
  return [letters[kind] ?? 'E', text]
}

delete process.env.NODE_OPTIONS
const texts = process.argv.slice(2)
const chosen = texts.includes('--here')
  ? [here]
  : rows.filter(({ platform }) => !texts.length || texts.some(text => platform.includes(text)))
const project = makeProject()
console.log('W: real forks, F: fresh processes and a warning, E: a clear error, X: a fault, –: not run here\n')
console.log('| platform | | what was seen |\n|---|---|---|')
let faults = 0
for (const row of chosen) {
  const folder = mkdtempSync(join(project, 'row-'))
  chmodSync(folder, 0o755) // a row has another user
  for (const file of ['main.mjs', 'worker.mjs']) cpSync(join(project, file), join(folder, file))
  const [letter, text] = await evaluate(row, folder)
  if (letter === 'X') faults++
  console.log(`| ${row.platform} | ${letter} | ${text} |`)
}
rmSync(project, { recursive: true })
if (faults) process.exitCode = 1
