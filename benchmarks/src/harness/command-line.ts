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

/** Runs the benchmarks that argv names, one after the other; a subject that fails makes the exit status 1. */
export async function runCommandLine(benchmarks: Record<string, RunnableBenchmark>): Promise<void> {
  const names = Object.keys(benchmarks)
  await new Command('bench')
    .description('Measures anyfork beside its peers, in one run.')
    .argument('[names...]', `which; default: all of ${names.join(', ')}`, names)
    .option('--quick', 'smallest sizes, once: shows that everything runs, the figures mean nothing')
    .option(
      '--rounds <number>',
      'how often each is measured; default: 5, or 9 where a measurement is one event',
      parseRounds,
    )
    .option('--json', 'print a line of JSON for each instead of tables')
    .option('--markdown', 'also write a report of each, with a chart')
    .option('--output <folder>', 'where to write reports', RESULTS)
    .action(async (asked: string[], options: Options) => {
      delete process.env['NODE_EXTRA_CA_CERTS'] // reading them costs every Node 20 that starts tens of milliseconds
      const unknown = asked.find(name => !Object.hasOwn(benchmarks, name))
      if (unknown !== undefined) throw new Error(`no benchmark ${unknown}; there are ${names.join(', ')}`)
      for (const name of asked) await runOne(name, benchmarks[name]!, options)
    })
    .parseAsync()
}

async function runOne(
  name: string,
  benchmark: RunnableBenchmark,
  { quick = false, json, markdown, output, rounds }: Options,
): Promise<void> {
  const description = await benchmark.describe()
  const before = currentEnvironment(quick)
  const rows = await benchmark.run({ isQuick: quick, rounds }, (entry, result) => {
    if (!json) console.error(`${name}: ${entry}: ${result instanceof Error ? result.message : JSON.stringify(result)}`)
  })
  if (json) console.log(JSON.stringify({ benchmark: name, ...before, rows }))
  else console.log(`\n# ${description.title}\n\n${description.method}\n\n${tableOf(rows)}\n`)
  if (markdown) await writeReport(output, name, { ...description, before, rows })
  for (const { subject, failure } of rows) {
    if (failure === undefined) continue
    console.error(`${name}: ${subject} failed: ${failure}`)
    process.exitCode = 1
  }
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError('it is an integer from 1.')
  return rounds
}
