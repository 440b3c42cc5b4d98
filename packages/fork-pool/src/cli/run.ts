import { closeSync, openSync } from 'node:fs'
import { lookUpFolder, preferWorkingDirectory, resolveSpecifier } from '@anyfork/fork/internal'
import { ForkProcess } from '@anyfork/fork-rpc'
import { KEEP_OUTPUT } from '../entry-files.js'
import { type ForkPool, pool } from '../pool.js'
import type { PoolOptions } from '../pool-options.js'
import { complain, OTHER_ERROR } from './failure.js'
import { type Format, type Input, inputsOf } from './inputs.js'
import { type Interruption, watchForInterruption } from './interruption.js'
import { type Joblog, type LoggedInputs, openJoblog, type Resume, readJoblog } from './joblog.js'
import type { Options } from './options.js'
import { showProgress } from './progress.js'
import { type Counts, writeReport } from './report.js'
import { printText, tagged } from './result-text.js'
import { openResultsFolder, type ResultsFolder } from './results-folder.js'
import { runAll } from './run-all.js'
import { moduleAt, type Target, targetOf, textOfCall } from './target.js'

/** The exit status, like that of GNU parallel: the number of failed inputs up to 100, 101 for more. */
const MORE_FAILURES = 101
const INTERRUPTED = 130

/** Calls a function for each input, or prints the calls. Sets the exit status. */
export async function run(target: string, args: string[], options: Options): Promise<void> {
  preferWorkingDirectory()
  await (options.dryRun ? printCalls : makeCalls)(targetOf(target), args, options)
}

/** Prints what would be called for each input that the joblog does not have. */
async function printCalls(target: Target, args: string[], options: Options): Promise<void> {
  const logged = joblogOf(options, readJoblog)
  try {
    for await (const input of inputsOf(args, formatOf(options))) {
      if (logged?.has(input)) continue
      const text = textOfCall(target, input.value)
      await printText(options.tag ? tagged(input.text, text) : text)
    }
  } finally {
    if (!args.length) process.stdin.unref?.()
  }
}

async function makeCalls(target: Target, args: string[], options: Options): Promise<void> {
  const { preload = [], json } = options
  const joblog = joblogOf(options, openJoblog)
  const report = json === undefined ? undefined : openSync(json, 'w') // fail before the work, not after it
  const results = options.results === undefined ? undefined : openResultsFolder(options.results)
  const [output, errors] = results?.descriptors ?? [process.stderr.fd, 'inherit' as const] // standard output is for results
  const makeTemplate = (): ForkProcess => {
    const template = ForkProcess.exec({ stdio: ['ignore', output, errors] }).eval(ignoreInterrupts)
    for (const module of [...preload.map(moduleAt), target.module]) template.require(module)
    return template
  }
  const template = makeTemplate()
  const templates = [template].values()
  const call = pool(
    () => templates.next().value ?? makeTemplate(),
    results ? KEEP_OUTPUT : target.module,
    results ? 'callAndKeepOutput' : target.name,
    poolOptionsOf(options),
  )
  const interruption = watchForInterruption(() => void call.destroy())
  process.stderr.on('error', () => {
    interruption.force() // the reader of the failures is gone
    void call.destroy().then(() => process.exit(OTHER_ERROR))
  })
  try {
    const isLoaded = await Promise.race([template.ready().then(() => true), interruption.requested.then(() => false)])
    await work(call, args, options, { joblog, interruption, report, results, argsOf: argumentsOf(target, results) })
    if (!isLoaded) template.kill('SIGKILL') // loading may take arbitrarily long
  } catch (error) {
    await call.destroy() // the results of running calls would be lost
    throw error
  } finally {
    interruption.stop()
    await Promise.all([call.close(), joblog?.close()])
    for (const fd of [report, ...(results?.descriptors ?? [])]) if (fd !== undefined) closeSync(fd)
  }
}

function poolOptionsOf({ workers, load, timeout, isolate, memory, nice }: Options): PoolOptions {
  return {
    max: workers,
    load,
    ...(isolate && { isolate, spare: workers }),
    ...(timeout !== undefined && { timeout }),
    ...(memory !== undefined && { memory }),
    ...(nice !== undefined && { restrict: { nice } }),
  }
}

/** Returns the function that gives the arguments of the call for an input. */
function argumentsOf({ module, name }: Target, results: ResultsFolder | undefined): (input: Input) => unknown[] {
  if (!results) return input => [input.value]
  const specifier = resolveSpecifier(module)
  const target = { module: specifier, name, folder: lookUpFolder(specifier) } // a FunctionInProcess
  return input => [target, results.begin(input), input.value]
}

/** What `makeCalls` has opened for the work. */
interface Opened {
  joblog: Joblog | undefined
  interruption: Interruption
  /** The descriptor of the report. */
  report: number | undefined
  results: ResultsFolder | undefined
  argsOf(input: Input): unknown[]
}

async function work(
  call: ForkPool,
  args: string[],
  options: Options,
  { joblog, interruption, report, results, argsOf }: Opened,
): Promise<void> {
  const { workers, load, retries, timeout, watch = false, summary = process.stderr.isTTY } = options
  const started = performance.now()
  const progress = showProgress(args.length, watch, () => call.stats())
  const inputs = inputsOf(args, formatOf(options))
  try {
    const settings = {
      slots: workers * load,
      isOrdered: !options.unordered,
      isRaw: options.raw ?? false,
      isTagged: options.tag ?? false,
      retries,
      timeout,
      halts: options.halt ?? false,
      joblog,
      results,
      argsOf,
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

function formatOf(options: Options): Format {
  return options.null ? 'null' : options.ndjson ? 'ndjson' : 'lines'
}

/** @throws Error if there is something to resume and no joblog */
function joblogOf<Log extends LoggedInputs>(
  { joblog, resume, resumeFailed }: Options,
  open: (file: string, resume: Resume) => Log,
): Log | undefined {
  if (joblog !== undefined) return open(joblog, resumeFailed ? 'failed' : resume ? 'all' : 'none')
  if (resume || resumeFailed) throw new Error('--resume and --resume-failed need --joblog')
  return undefined
}

/** Runs in the template, so that workers inherit it: the terminal sends SIGINT to the whole process group. */
function ignoreInterrupts(): void {
  process.on('SIGINT', () => {})
}
