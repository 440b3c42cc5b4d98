import { closeSync, openSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ForkProcess } from '@anyfork/fork-rpc'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { packageVersion } from '../entry-files.js'
import { ncpu } from '../ncpu.js'
import { type ForkPool, pool } from '../pool.js'
import { type Format, type Input, inputsOf } from './inputs.js'
import { type Interruption, noticeInterruption } from './interruption.js'
import { type Joblog, openJoblog } from './joblog.js'
import { display } from './progress.js'
import { type Counts, writeReport } from './report.js'
import { complain, runAll } from './run-all.js'

interface Options {
  workers: number
  load: number
  timeout?: number
  retries: number
  unordered?: true
  null?: true
  ndjson?: true
  isolate?: true
  preload?: string[]
  halt?: true
  joblog?: string
  resume?: true
  resumeFailed?: true
  json?: string
  watch?: true
  summary?: true
}

/** As GNU parallel: the number of failures up to 100, 101 for more, 255 for what is none of an input. */
const MORE_FAILURES = 101
const OTHER_ERROR = 255
const INTERRUPTED = 130

/** The program `fork-pool`. Sets the exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('fork-pool')
    .description(
      'Calls a function once for each input, in a pool of forked processes.\nResults go to standard output, one line of JSON for each.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .argument('<module[#export]>', 'a file or package; default: its default export')
    .argument('[inputs...]', 'one call for each; none: lines of standard input')
    .option('-w, --workers <n>', 'most processes at a time', positiveInteger, ncpu())
    .option('-l, --load <n>', 'calls that a process has at a time', positiveInteger, 1)
    .option('-t, --timeout <seconds>', 'ends a call that takes longer, and its process', seconds)
    .option('-r, --retries <n>', 'how often a failed call is made again', integer, 0)
    .option('-u, --unordered', 'print results as they come')
    .addOption(new Option('--ordered', 'print results in the order of the inputs; the default').conflicts('unordered'))
    .option('-0, --null', 'inputs on standard input end with NUL')
    .addOption(new Option('--ndjson', 'inputs are JSON, one in each line').conflicts('null'))
    .option('--isolate', 'a process of its own for each call')
    .option('-p, --preload <module>', 'load this first, too; can be repeated', (module, modules: string[] = []) => [
      ...modules,
      module,
    ])
    .option('--halt', 'begin nothing more after a failure')
    .addOption(new Option('-k, --keep-going', 'go on after failures; the default').conflicts('halt'))
    .option('--joblog <file>', 'log each call, as GNU parallel does')
    .option('--resume', 'leave out what the joblog has')
    .option('--resume-failed', 'the same, but do again what has failed')
    .option('--json <file>', 'write counts, times and memory to a file')
    .option('--watch', 'show the workers while they work')
    .option('-s, --summary', 'say at the end what was done; default on a terminal')
    .addHelpText(
      'after',
      '\nExit status: number of failures, 101 for more than 100; 255 for other errors.\nSIGINT lets the calls under way finish, and tells what was not done.',
    )
    .exitOverride()
    .action((target: string, inputs: string[], options: Options) => run(target, inputs, options))
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) complain((error as Error).message)
    if (!(error instanceof CommanderError) || error.exitCode) process.exitCode = OTHER_ERROR
  }
}

async function run(target: string, args: string[], options: Options): Promise<void> {
  const { workers, load, timeout, isolate = false, preload = [], json } = options
  const [module, name] = splitTarget(target)
  const joblog = joblogOf(options)
  const report = json === undefined ? undefined : openSync(json, 'w') // now, so that no work is done in vain
  const makeTemplate = (): ForkProcess => {
    const template = ForkProcess.exec({ stdio: ['ignore', process.stderr.fd] }).eval(ignoreInterrupts) // results alone are on standard output
    for (const one of preload) template.require(moduleAt(one))
    return template
  }
  const template = makeTemplate().require(module)
  const templates = [template].values()
  const call = pool(() => templates.next().value ?? makeTemplate(), module, name, {
    max: workers,
    load,
    isolate,
    ...(isolate && { spare: workers }),
    ...(timeout !== undefined && { timeout }),
  })
  process.stdout.on('error', quitOnBrokenPipe)
  const interruption = noticeInterruption(() => void call.destroy())
  try {
    const isLoaded = await Promise.race([template.ready().then(() => true), interruption.wanted.then(() => false)])
    await work(call, args, options, joblog, interruption, report)
    if (!isLoaded) template.kill('SIGKILL') // nobody knows how long that takes
  } catch (error) {
    await call.destroy() // results of calls under way would come to nothing
    throw error
  } finally {
    interruption.stop()
    await Promise.all([call.close(), joblog?.close()])
    if (report !== undefined) closeSync(report)
  }
}

async function work(
  call: ForkPool,
  args: string[],
  options: Options,
  joblog: Joblog | undefined,
  interruption: Interruption,
  report: number | undefined,
): Promise<void> {
  const {
    workers,
    load,
    retries,
    timeout,
    unordered,
    halt = false,
    watch = false,
    summary = process.stderr.isTTY,
  } = options
  const format: Format = options.null ? 'null' : options.ndjson ? 'ndjson' : 'lines'
  const started = performance.now()
  const shown = display(args.length, watch, () => call.stats())
  const inputs = inputsOf(args, format)
  try {
    const settings = {
      slots: workers * load,
      isOrdered: !unordered,
      retries,
      timeout,
      halts: halt,
      joblog,
      interruption,
      display: shown,
    }
    const { counts, notDone, isAtEnd } = await runAll(call, inputs, settings)
    await shown.stop()
    tellRest(notDone, counts, args, isAtEnd)
    const milliseconds = performance.now() - started
    if (report !== undefined) writeReport(report, counts, milliseconds, await call.stats())
    if (summary) complain(summaryOf(counts, milliseconds))
    process.exitCode = interruption.isWanted ? INTERRUPTED : Math.min(counts.failed, MORE_FAILURES)
  } finally {
    await shown.stop()
    if (!args.length) process.stdin.unref?.()
  }
}

/** Names the inputs that were not done; of standard input, what was not read cannot be named. */
function tellRest(notDone: Input[], counts: Counts, args: string[], isAtEnd: boolean): void {
  const texts = [...notDone.map(({ text }) => text), ...args.slice(counts.inputs)]
  counts.notDone = texts.length
  if (!args.length && !isAtEnd) texts.push(`all inputs after number ${counts.inputs}`)
  counts.inputs = counts.done + counts.failed + counts.skipped + counts.notDone
  for (const text of texts) complain(`not done: ${text}`)
}

function summaryOf({ done, failed, skipped, notDone }: Counts, milliseconds: number): string {
  const parts = [
    `${done} done`,
    `${failed} failed`,
    ...(skipped ? [`${skipped} left out`] : []),
    ...(notDone ? [`${notDone} not done`] : []),
  ]
  return `${parts.join(', ')} in ${(milliseconds / 1000).toFixed(1)} s`
}

function joblogOf({ joblog, resume, resumeFailed }: Options): Joblog | undefined {
  if (joblog !== undefined) return openJoblog(joblog, resumeFailed ? 'failed' : resume ? 'all' : 'none')
  if (resume || resumeFailed) throw new Error('--resume needs a --joblog')
  return undefined
}

/** A module and the name of a function: after the last `#`, or the default export. */
function splitTarget(target: string): [module: string | URL, name: string] {
  if (isFile(target)) return [moduleAt(target), 'default']
  const hash = target.lastIndexOf('#')
  return hash < 0 ? [moduleAt(target), 'default'] : [moduleAt(target.slice(0, hash)), target.slice(hash + 1)]
}

/** A file where there is one, or what looks like a path; else a package. */
function moduleAt(module: string): string | URL {
  if (/^file:/.test(module)) return new URL(module)
  return isFile(module) || /^\.{0,2}\//.test(module) ? pathToFileURL(module) : module
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Runs in the template, and so in all workers: the terminal sends SIGINT to them, too. */
function ignoreInterrupts(): void {
  process.on('SIGINT', () => {})
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('it is a positive integer.')
  return Number(text)
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is an integer from 0.')
  return Number(text)
}

function seconds(text: string): number {
  const milliseconds = Number(text) * 1000
  if (text.trim() === '' || !(milliseconds > 0 && milliseconds < 2 ** 31))
    throw new InvalidArgumentError('it is a number of seconds.')
  return milliseconds
}

/** Any other error is told to who writes. */
function quitOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(OTHER_ERROR)
}
