import { Command } from 'commander'
import { fdPassing } from './fd-passing.js'
import { workerStart } from './worker-start.js'

/** Every benchmark by the question that it answers: a function that returns rows to print. */
const benchmarks: Record<string, () => Promise<object[]>> = {
  'worker-start': workerStart,
  'fd-passing': fdPassing,
}

const names = Object.keys(benchmarks)
await new Command('bench')
  .description('Measures anyfork beside its peers, in one run.')
  .argument('[names...]', `which; default: all of ${names.join(', ')}`, names)
  .option('--json', 'print JSON instead of tables')
  .action(async (asked: string[], { json }: { json?: boolean }) => {
    delete process.env['NODE_EXTRA_CA_CERTS'] // reading them costs every Node that starts tens of milliseconds
    for (const name of asked) {
      const benchmark = benchmarks[name]
      if (!benchmark) throw new Error(`no benchmark ${name}; there are ${names.join(', ')}`)
      const rows = await benchmark()
      if (json) console.log(JSON.stringify({ benchmark: name, node: process.version, rows }))
      else console.table(rows.map(rounded))
    }
  })
  .parseAsync()

function rounded(row: object): object {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? Math.round(value * 100) / 100 : value]))
}
