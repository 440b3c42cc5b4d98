// Runs the tests of all workspaces side by side, because they mostly wait. `npm run build` comes first.
//
//     node scripts/test.js         all suites
//     node scripts/test.js --soak  the test files that have a soak (they import `isSoak`), at their full sizes
//
// Prints each suite's output whole, when the suite has ended. Exits with 1 if a suite has failed.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

const SUITE_LIMIT_MS = 10 * 60_000
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

/** Returns the commands that test a workspace: its scripts `test:…`, or `test` where it has no others. */
function suitesOf(folder) {
  const { name, scripts = {} } = manifestOf(folder)
  const names = Object.keys(scripts).filter(script => script.startsWith('test:'))
  if (!names.length && scripts.test) names.push('test')
  return names.map(script => ({ title: `${name} ${script}`, folder, command: ['npm', 'run', '--silent', script] }))
}

/** Returns the command that runs a workspace's soaks, if it has any. */
function soaksOf(folder) {
  const { name } = manifestOf(folder)
  const tests = join(folder, 'test')
  let files
  try {
    files = readdirSync(tests).filter(file => file.endsWith('.test.ts'))
  } catch {
    return [] // it has no tests
  }
  const soaks = files.filter(file => /\bisSoak\b|ANYFORK_SOAK/.test(readFileSync(join(tests, file), 'utf8')))
  if (!soaks.length) return []
  const specs = soaks.map(file => `dist/test/${basename(file, '.ts')}.js`)
  const command = [process.execPath, mocha, '--no-config', '--forbid-only', '--timeout', `${SUITE_LIMIT_MS}`, ...specs]
  return [{ title: `${name} soak`, folder, command }]
}

const running = new Set()

/** Runs a suite in a process group of its own, so that all of it can be ended. Returns true if it has succeeded. */
async function run({ title, folder, command }, output) {
  const file = join(output, title.replaceAll(/\W/g, '-'))
  const fd = openSync(file, 'a') // one file, so that standard output and standard error stay in order
  const started = performance.now()
  const [program, ...args] = command
  const env = isSoak ? { ...process.env, ANYFORK_SOAK: '1' } : process.env
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', fd, fd], detached: true })
  running.add(child)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill(child)
  }, SUITE_LIMIT_MS)
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (...ending) => resolve(ending))
  })
  clearTimeout(timer)
  running.delete(child)
  closeSync(fd)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  process.stdout.write(`\n> ${title} (${seconds} s)\n${readFileSync(file, 'utf8')}`)
  if (code === 0) return true
  console.log(`${title} has failed: ${isLate ? `not ended in ${SUITE_LIMIT_MS / 1000} s` : (signal ?? `code ${code}`)}`)
  return false
}

function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // it has just ended
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) kill(child)
    process.kill(process.pid, signal)
  })
}

const suites = workspaces().flatMap(isSoak ? soaksOf : suitesOf)
const output = mkdtempSync(join(tmpdir(), 'anyfork-test-'))
const queue = [...suites]
const failed = []
const lane = async () => {
  for (let suite = queue.shift(); suite; suite = queue.shift())
    if (!(await run(suite, output))) failed.push(suite.title)
}
await Promise.all(Array.from({ length: isSoak ? availableParallelism() : 2 * availableParallelism() }, lane))
rmSync(output, { recursive: true })
console.log(failed.length ? `\n> failed: ${failed.join(', ')}` : `\n> all ${suites.length} suites have passed`)
process.exitCode = failed.length ? 1 : 0
