import { closeSync, openSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { preferWorkingDirectory } from '@anyfork/fork/internal'
import { ForkProcess } from '@anyfork/fork-rpc'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { packageVersion } from '../entry-files.js'
import { ncpu } from '../ncpu.js'
import { type ForkPool, pool } from '../pool.js'
import { type Format, type Input, inputsOf } from './inputs.js'
import { type Interruption, watchForInterruption } from './interruption.js'
import { type Joblog, openJoblog } from './joblog.js'
import { showProgress } from './progress.js'
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

/** The exit status, like that of GNU parallel: the number of failed inputs up to 100, 101 for more, 255 for other errors. */
const MORE_FAILURES = 101
const OTHER_ERROR = 255
const INTERRUPTED = 130

/** Runs the program `fork-pool`. Sets the exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  preferWorkingDirectory()
  const program = new Command('fork-pool')
    .description(
      'Calls a function once for each input, in a pool of forked processes.\nPrints each result on standard output, as a line of JSON.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .argument('<module[#export]>', 'module and function; default: its default export')
    .argument('[inputs...]', 'the inputs; default: the lines of standard input')
    .option('-w, --workers <n>', 'maximum number of worker processes', positiveInteger, ncpu())
    .option('-l, --load <n>', 'calls that a worker has at a time', positiveInteger, 1)
    .option('-t, --timeout <seconds>', 'kill the worker of a call that takes longer', seconds)
    .option('-r, --retries <n>', 'how often to repeat a failed call', integer, 0)
    .option('-u, --unordered', 'print results as they arrive')
    .addOption(new Option('--ordered', 'print results in the order of the inputs (default)').conflicts('unordered'))
    .option('-0, --null', 'inputs on standard input end with NUL bytes')
    .addOption(new Option('--ndjson', 'inputs are JSON, one per line').conflicts('null'))
    .option('--isolate', 'run each call in a process of its own')
    .option('-p, --preload <module>', 'load this module first; repeatable', (module, modules: string[] = []) => [
      ...modules,
      module,
    ])
    .option('--halt', 'begin no more calls after a failure')
    .addOption(new Option('-k, --keep-going', 'go on after a failure (default)').conflicts('halt'))
    .option('--joblog <file>', 'log each call in the format of GNU parallel')
    .option('--resume', 'skip the inputs that the joblog has')
    .option('--resume-failed', 'like --resume, but repeat the inputs that failed')
    .option('--json <file>', 'write counts, times, and memory to a file')
    .option('--watch', 'show the workers and what they do')
    .option('-s, --summary', 'print the counts at the end; default on a terminal')
    .addHelpText(
      'after',
      '\nExit status: the number of failed inputs, 101 for more than 100,\n130 after SIGINT, 255 for other errors.\nThe first SIGINT lets running calls finish and lists the inputs that were\nnot done; the second one kills the calls.',
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
  const report = json === undefined ? undefined : openSync(json, 'w') // fail before the work, not after it
  const makeTemplate = (): ForkProcess => {
    const template = ForkProcess.exec({ stdio: ['ignore', process.stderr.fd] }).eval(ignoreInterrupts) // standard output is for results
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
  const interruption = watchForInterruption(() => void call.destroy())
  try {
    const isLoaded = await Promise.race([template.ready().then(() => true), interruption.requested.then(() => false)])
    await work(call, args, options, joblog, interruption, report)
    if (!isLoaded) template.kill('SIGKILL') // loading may take arbitrarily long
  } catch (error) {
    await call.destroy() // the results of running calls would be lost
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
  const progress = showProgress(args.length, watch, () => call.stats())
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
      progress,
    }
    const { counts, notDone, isAtEnd } = await runAll(call, inputs, settings)
    await progress.stop()
    reportNotDone(notDone, counts, args, isAtEnd)
    const milliseconds = performance.now() - started
    if (report !== undefined) writeReport(report, counts, milliseconds, await call.stats())
    if (summary) complain(summaryOf(counts, milliseconds))
    process.exitCode = interruption.isRequested ? INTERRUPTED : Math.min(counts.failed, MORE_FAILURES)
  } finally {
    await progress.stop()
    if (!args.length) process.stdin.unref?.()
  }
}

/** Lists the inputs that were not done. Those of standard input that were not read have no names. */
function reportNotDone(notDone: Input[], counts: Counts, args: string[], isAtEnd: boolean): void {
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
    ...(skipped ? [`${skipped} skipped`] : []),
    ...(notDone ? [`${notDone} not done`] : []),
  ]
  return `${parts.join(', ')} in ${(milliseconds / 1000).toFixed(1)} s`
}

function joblogOf({ joblog, resume, resumeFailed }: Options): Joblog | undefined {
  if (joblog !== undefined) return openJoblog(joblog, resumeFailed ? 'failed' : resume ? 'all' : 'none')
  if (resume || resumeFailed) throw new Error('--resume and --resume-failed need --joblog')
  return undefined
}

/** Splits a target at its last `#`. Without one, or if a file has this name, the function is the default export. */
function splitTarget(target: string): [module: string | URL, name: string] {
  if (isFile(target)) return [moduleAt(target), 'default']
  const hash = target.lastIndexOf('#')
  return hash < 0 ? [moduleAt(target), 'default'] : [moduleAt(target.slice(0, hash)), target.slice(hash + 1)]
}

/** Returns a URL for an existing file or anything that looks like a path; otherwise, the name of a package. */
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

/** Runs in the template, so that workers inherit it: the terminal sends SIGINT to the whole process group. */
function ignoreInterrupts(): void {
  process.on('SIGINT', () => {})
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a positive integer.')
  return Number(text)
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be an integer from 0.')
  return Number(text)
}

function seconds(text: string): number {
  const milliseconds = Number(text) * 1000
  if (text.trim() === '' || !(milliseconds > 0 && milliseconds < 2 ** 31))
    throw new InvalidArgumentError(`It must be a positive number of seconds below ${2 ** 31 / 1000}.`)
  return milliseconds
}

/** The callbacks of write() report other errors. */
function quitOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(OTHER_ERROR)
}
