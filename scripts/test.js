// Runs the test suites of all workspaces side by side, because tests mostly wait. Run `npm run build` before.
//
//     node scripts/test.js         runs all suites
//     node scripts/test.js --soak  runs the test files that import `isSoak`, at their full sizes, and the scripts `soak:…`
//
// Prints the output of each suite when it has ended. Exits with 1 if a suite has failed.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, delimiter, join, resolve } from 'node:path'

/** Suites that run longer are killed, and have failed. */
const SUITE_TIMEOUT_MS = 40 * 60_000
const SUITES_PER_PROCESSOR = 2.5 // of the soaks, which keep a processor busy, one runs per processor
/** The suites that take longest begin first, so that only short ones run when a processor has nothing else to do. */
const LONGEST = [
  '@anyfork/fork-rpc test',
  '@anyfork/fork-pool test:cli',
  '@anyfork/fork test:g-z',
  '@anyfork/fork test:a-f',
  '@anyfork/fork-pool test:k-z',
  '@anyfork/fork-pool test:a-j',
  '@anyfork/docs test:readmes',
  '@anyfork/benchmarks test',
  '@anyfork/docs test:guides',
  '@anyfork/fork test:exec',
]
const top = resolve(import.meta.dirname, '..')
const isSoak = process.argv.includes('--soak')
const mocha = join(top, 'node_modules/mocha/bin/mocha.js')

/** Returns the folders of all workspaces. */
function workspaces() {
  const { workspaces } = manifestOf(top)
  return workspaces.flatMap(pattern => {
    if (!pattern.endsWith('/*')) return [join(top, pattern)]
    const parent = join(top, pattern.slice(0, -2))
    return readdirSync(parent).map(name => join(parent, name))
  })
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Returns the suites of a workspace: one for each of its scripts `test:…`, or one for `test` if there are none. */
function suitesOf(folder) {
  const suites = scriptsOf(folder, 'test:')
  return suites.length ? suites : scriptsOf(folder, 'test')
}

/** Returns a suite for each script of a workspace whose name begins so. */
function scriptsOf(folder, beginning) {
  const { name, scripts = {} } = manifestOf(folder)
  return Object.keys(scripts)
    .filter(script => script.startsWith(beginning))
    .map(script => ({ title: `${name} ${script}`, folder, command: ['sh', '-c', scripts[script]] }))
}

/** Returns the soaks of a workspace: its scripts `soak:…`, and one for the test files that import `isSoak`, if any do. */
function soaksOf(folder) {
  const { name } = manifestOf(folder)
  const scripts = scriptsOf(folder, 'soak:')
  const tests = join(folder, 'test')
  let files
  try {
    files = readdirSync(tests).filter(file => file.endsWith('.test.ts'))
  } catch {
    return scripts // the workspace has no tests
  }
  const soaks = files.filter(file => /\bisSoak\b|ANYFORK_SOAK/.test(readFileSync(join(tests, file), 'utf8')))
  if (!soaks.length) return scripts
  const specs = soaks.map(file => `dist/test/${basename(file, '.ts')}.js`)
  const command = [
    process.execPath,
    mocha,
    '--no-config',
    '--require',
    '@anyfork/test-support/root-hooks',
    '--forbid-only',
    '--timeout',
    `${SUITE_TIMEOUT_MS}`,
    ...specs,
  ]
  return [...scripts, { title: `${name} soak`, folder, command }]
}

delete process.env.NODE_EXTRA_CA_CERTS // Node spends 30 ms reading it at each start, and no test needs it
process.env.PATH = [join(top, 'node_modules/.bin'), process.env.PATH].join(delimiter) // as npm does, which takes 300 ms to start
const running = new Set()

/**
 * Runs a suite in a process group of its own, so that all its processes can be killed. Prints its output at the end.
 *
 * @param outputFolder - for the file that collects the output
 * @returns true if the suite has succeeded
 */
async function run({ title, folder, command }, outputFolder) {
  const file = join(outputFolder, title.replaceAll(/\W/g, '-'))
  const fd = openSync(file, 'a') // one file for standard output and standard error, which keeps their order
  const startedAt = performance.now()
  const [program, ...args] = command
  const env = isSoak ? { ...process.env, ANYFORK_SOAK: '1' } : process.env
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', fd, fd], detached: true })
  running.add(child)
  let hasTimedOut = false
  const timer = setTimeout(() => {
    hasTimedOut = true
    kill(child)
  }, SUITE_TIMEOUT_MS)
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (...ending) => resolve(ending))
  })
  clearTimeout(timer)
  running.delete(child)
  closeSync(fd)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  process.stdout.write(`\n> ${title} (${seconds} s)\n${readFileSync(file, 'utf8')}`)
  if (code === 0) return true
  console.log(
    `${title} has failed: ${hasTimedOut ? `timed out after ${SUITE_TIMEOUT_MS / 1000} s` : (signal ?? `code ${code}`)}`,
  )
  return false
}

/** Kills the process group of a suite. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // the suite has just ended
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) kill(child)
    process.kill(process.pid, signal)
  })
}

const rankOf = ({ title }) => (LONGEST.includes(title) ? LONGEST.indexOf(title) : LONGEST.length)
const suites = workspaces()
  .flatMap(isSoak ? soaksOf : suitesOf)
  .sort((one, other) => rankOf(one) - rankOf(other))
const outputFolder = mkdtempSync(join(tmpdir(), 'anyfork-test-'))
const queue = [...suites]
const failed = []
const runQueue = async () => {
  for (let suite = queue.shift(); suite; suite = queue.shift())
    if (!(await run(suite, outputFolder))) failed.push(suite.title)
}
const perProcessor = isSoak ? 1 : SUITES_PER_PROCESSOR
await Promise.all(Array.from({ length: Math.ceil(perProcessor * availableParallelism()) }, runQueue))
rmSync(outputFolder, { recursive: true })
console.log(failed.length ? `\n> failed: ${failed.join(', ')}` : `\n> all ${suites.length} suites have passed`)
process.exitCode = failed.length ? 1 : 0
