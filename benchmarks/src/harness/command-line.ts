import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { currentEnvironment, writeReport } from './report.js'
import type { RunnableBenchmark } from './runnable-benchmark.js'
import { tableOf } from './table.js'

interface Options {
  quick?: boolean
  json?: boolean
  markdown?: boolean
  output: string
  rounds?: number
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
      'samples of each subject; by default 5, or 9 where a sample is a single event',
      parseRounds,
    )
    .option('--json', 'print one line of JSON per benchmark instead of tables')
    .option('--markdown', 'also write a report with a chart for each benchmark')
    .option('--output <folder>', 'the folder of the reports', RESULTS)
    .action(async (chosen: string[], options: Options) => {
      delete process.env['NODE_EXTRA_CA_CERTS'] // Node 20 spends tens of milliseconds reading them at each start
      const unknown = chosen.find(name => !Object.hasOwn(benchmarks, name))
      if (unknown !== undefined) throw new Error(`unknown benchmark ${unknown}; the benchmarks are ${names.join(', ')}`)
      for (const name of chosen) await runOne(name, benchmarks[name]!, options)
    })
    .parseAsync()
}

async function runOne(
  name: string,
  benchmark: RunnableBenchmark,
  { quick = false, json, markdown, output, rounds }: Options,
): Promise<void> {
  const description = await benchmark.describe()
  const environment = currentEnvironment(quick)
  const rows = await benchmark.run({ isQuick: quick, rounds }, (title, result) => {
    if (!json) console.error(`${name}: ${title}: ${result instanceof Error ? result.message : JSON.stringify(result)}`)
  })
  if (json) console.log(JSON.stringify({ benchmark: name, ...environment, rows }))
  else console.log(`\n# ${description.title}\n\n${description.method}\n\n${tableOf(rows)}\n`)
  if (markdown) await writeReport(output, name, { ...description, environment, rows })
  for (const { subject, failure } of rows) {
    if (failure === undefined) continue
    console.error(`${name}: ${subject} failed: ${failure}`)
    process.exitCode = 1
  }
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError('expected a positive integer.')
  return rounds
}
