import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import type { Result } from '../html-report/result.js'
import { JsonFile } from './json-file.js'
import { assertCanPin } from './pinning.js'
import { showProgress } from './progress.js'
import { currentEnvironment, writeReport } from './report.js'
import type { RunnableBenchmark } from './runnable-benchmark.js'
import { tableOf } from './table.js'

interface Options {
  quick?: boolean
  json?: string | true
  markdown?: boolean
  output: string
  report?: string
  from?: string
  rounds?: number
  pin?: number
}

const RESULTS = fileURLToPath(new URL('../../results', import.meta.url))

/**
 * Runs the benchmarks that the command line names, one after the other, or all. Prints their tables. If a subject fails,
 * the others are measured all the same, and the program exits with 1.
 */
export async function runCommandLine(benchmarks: Record<string, RunnableBenchmark>): Promise<void> {
  const names = Object.keys(benchmarks)
  await new Command('bench')
    .description('Measures anyfork and its peers in the same run.')
    .argument('[names...]', `the benchmarks to run, all by default: ${names.join(', ')}`, names)
    .option('--quick', 'one round of the smallest sizes: proves that all runs, but the numbers mean nothing')
    .option(
      '--rounds <number>',
      'samples of each subject; by default 3, or 5 where a sample is a single event',
      parseRounds,
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
      const unknown = chosen.find(name => !Object.hasOwn(benchmarks, name))
      if (unknown !== undefined) throw new Error(`unknown benchmark ${unknown}; the benchmarks are ${names.join(', ')}`)
      if (options.pin !== undefined) assertCanPin(options.pin)
      const file = typeof options.json === 'string' ? new JsonFile(pathFromCaller(options.json), options) : undefined
      const results: Result[] = []
      for (const name of chosen) {
        results.push(await runOne(name, benchmarks[name]!, options, file))
        if (options.report !== undefined) (await loadWriter()).writeHtmlReport(options.report, results)
      }
    })
    .parseAsync()
}

const loadWriter = () => import('../html-report/write-report.js') // loads a large library

/** @param chosen - the benchmarks that the report has; all of the file if there are none */
async function reportSaved(from: string, report: string | undefined, chosen: readonly string[]): Promise<void> {
  if (report === undefined) throw new Error('--from needs --report, which names the file to write')
  const { readResults, writeHtmlReport } = await loadWriter()
  const results = readResults(from)
  const missing = chosen.find(name => !results.some(({ benchmark }) => benchmark === name))
  if (missing !== undefined) throw new Error(`${from} has no results of ${missing}`)
  writeHtmlReport(report, chosen.length ? results.filter(({ benchmark }) => chosen.includes(benchmark)) : results)
}

async function runOne(
  name: string,
  benchmark: RunnableBenchmark,
  { quick = false, json, markdown, output, rounds, pin }: Options,
  file: JsonFile | undefined,
): Promise<Result> {
  const description = await benchmark.describe()
  const environment = currentEnvironment(quick)
  const progress = showProgress(name, json === true)
  const rows = await benchmark.run({ isQuick: quick, rounds, pinTo: pin }, progress.onSample)
  progress.stop()
  const measured: Result = { benchmark: name, ...description, ...environment, rows }
  file?.add({ benchmark: name, ...description, date: environment.date, load: environment.load, rows })
  if (json === true) console.log(JSON.stringify(measured))
  else console.log(`\n# ${description.title}\n\n${description.method}\n\n${tableOf(rows)}\n`)
  if (markdown) await writeReport(output, name, { ...description, environment, rows })
  for (const { subject, failure } of rows) {
    if (failure === undefined) continue
    console.error(`${name}: ${subject} failed: ${failure}`)
    process.exitCode = 1
  }
  return measured
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError('expected a positive integer.')
  return rounds
}

function parseCpu(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected the number of a processor.')
  return Number(text)
}

/** Resolves a path where the user has called npm, which changes the working directory, but keeps it in a variable. */
function pathFromCaller(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '', path)
}
