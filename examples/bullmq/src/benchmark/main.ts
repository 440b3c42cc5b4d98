import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { canReachRedis } from '../redis.js'

const USAGE = `Usage: npm run bench -- [options]

Compares a fork-pool with BullMQ's own sandbox, in processes and in threads. It needs a Redis: see the README.

  --jobs <n>      jobs per sample (default: 5000)
  --workers <n>   workers of each subject (default: 8)
  --rounds <n>    samples of each subject; each cell is their median (default: 5)
  --module <name> a module that the workers load (default: @babel/core)`

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '5000' },
    workers: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    module: { type: 'string', default: '@babel/core' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit()
}

if (!(await canReachRedis())) process.exit(1)

interface Sample {
  jobsPerSecond: number
  pssBytes: number
}

const titles = {
  'fork-pool': 'fork-pool',
  'sandbox-processes': "BullMQ's sandbox, processes",
  'sandbox-threads': "BullMQ's sandbox, threads",
}
const subject = fileURLToPath(new URL('./subject.js', import.meta.url))
const samples = new Map<string, Sample[]>(Object.keys(titles).map(name => [name, []]))

// The subjects take turns, so that what else the machine does concerns all of them.
for (let round = 0; round < Number(values.rounds); round++)
  for (const [name, taken] of samples) {
    const { stdout } = await promisify(execFile)(process.execPath, [subject, name, values.jobs, values.workers], {
      env: { ...process.env, BENCHMARK_MODULE: values.module },
    })
    taken.push(JSON.parse(stdout) as Sample)
  }

console.log(`${values.jobs} jobs, ${values.workers} workers that have loaded ${values.module || 'no module'}\n`)
console.log('| subject | jobs/s | PSS of all processes, MiB |\n| :-- | --: | --: |')
for (const [name, taken] of samples) {
  const speed = median(taken.map(sample => sample.jobsPerSecond)).toFixed(0)
  const memory = median(taken.map(sample => sample.pssBytes / 2 ** 20)).toFixed(0)
  console.log(`| ${titles[name as keyof typeof titles]} | ${speed} | ${memory} |`)
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}
