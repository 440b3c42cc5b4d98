import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { JsonFile } from './json-file.js'
import { assertCanPin } from './pinning.js'
import { runBenchmarks } from './run-benchmarks.js'

interface Options {
  quick?: boolean
  json?: string | true
  markdown?: boolean
  output: string
  report?: string
  from?: string
  rounds?: number
  minutes?: number
  pin?: number
}

const RESULTS = fileURLToPath(new URL('../../results', import.meta.url))
const DEFAULT_MINUTES = 25

/**
 * Runs the benchmarks that the command line names, or all. Prints their tables. If a subject fails, the others are measured
 * all the same, and the program exits with 1.
 *
 * @param files - the URL of the module of each benchmark, by name
 */
export async function runCommandLine(files: Record<string, string>): Promise<void> {
  const names = Object.keys(files)
  await new Command('bench')
    .description('Measures anyfork and its peers in the same run.')
    .argument('[names...]', `the benchmarks to run, all by default: ${names.join(', ')}`, names)
    .option('--quick', 'one round of the smallest sizes: proves that all runs, but the numbers mean nothing')
    .option(
      '--rounds <number>',
      'samples of each subject; by default 3, or as many as the benchmark says. There is no time limit then, unless --minutes is given',
      parseRounds,
    )
    .option(
      '--minutes <number>',
      `the time limit; by default ${DEFAULT_MINUTES}, or none with --rounds. A round that would not fit is left out, except the first of each benchmark`,
      parseMinutes,
    )
    .option('--pin <cpu>', 'the number of the only processor that all processes may use', parseCpu)
    .option(
      '--json [file]',
      'write all rows to a file, with machine, load, versions, and processor; without a file, print a line of JSON per benchmark instead of tables',
    )
    .option('--markdown', 'also write a report with a chart for each benchmark')
    .option('--output <folder>', 'the folder of the reports', RESULTS)
    .option('--report <file>', 'also write one HTML page with all charts and tables', pathFromCaller)
    .option('--from <file>', 'with --report: do not measure, but take what --json has written', pathFromCaller)
    .action(async (chosen: string[], options: Options) => {
      delete process.env['NODE_EXTRA_CA_CERTS'] // Node 20 spends tens of milliseconds reading them at each start
      if (options.from !== undefined) return reportSaved(options.from, options.report, chosen === names ? [] : chosen)
      const unknown = chosen.find(name => !Object.hasOwn(files, name))
      if (unknown !== undefined) throw new Error(`unknown benchmark ${unknown}; the benchmarks are ${names.join(', ')}`)
      if (options.pin !== undefined) assertCanPin(options.pin)
      await measure(new Map(chosen.map(name => [name, files[name]!])), options)
    })
    .parseAsync()
}

async function measure(
  files: ReadonlyMap<string, string>,
  { quick: isQuick = false, json, markdown, output, report, rounds, minutes, pin: pinTo }: Options,
): Promise<void> {
  const limit = minutes ?? (rounds === undefined ? DEFAULT_MINUTES : Infinity)
  await runBenchmarks(
    files,
    { isQuick, rounds, pinTo, minutes: limit },
    {
      isJson: json === true,
      jsonFile:
        typeof json === 'string' ? new JsonFile(pathFromCaller(json), { isQuick, minutes: limit, pinTo }) : undefined,
      reportFolder: markdown ? output : undefined,
      htmlReport: report,
    },
  )
}

/** @param chosen - the benchmarks that the report has; all of the file if there are none */
async function reportSaved(from: string, report: string | undefined, chosen: readonly string[]): Promise<void> {
  if (report === undefined) throw new Error('--from needs --report, which names the file to write')
  const { readResults, writeHtmlReport } = await import('../html-report/write-report.js') // loads a large library
  const results = readResults(from)
  const missing = chosen.find(name => !results.some(({ benchmark }) => benchmark === name))
  if (missing !== undefined) throw new Error(`${from} has no results of ${missing}`)
  writeHtmlReport(report, chosen.length ? results.filter(({ benchmark }) => chosen.includes(benchmark)) : results)
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError('expected a positive integer.')
  return rounds
}

function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (!Number.isFinite(minutes) || minutes <= 0) throw new InvalidArgumentError('expected a positive number.')
  return minutes
}

function parseCpu(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected the number of a processor.')
  return Number(text)
}

/** Resolves a path where the user has called npm, which changes the working directory, but keeps it in a variable. */
function pathFromCaller(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '', path)
}
