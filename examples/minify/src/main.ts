import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installedTree, scriptsIn } from './dependency-tree.js'
import { type Outcome, tabulate } from './outcome.js'
import { withChildProcess } from './with-child-process.js'
import { withForkPool } from './with-fork-pool.js'

const usage = `Minifies every file of JavaScript of an installed package and of all that it depends on.

  --package <name>  the package; default: @babel/preset-env
  --output <dir>    where the results go; default: minified
  --workers <n>     how many at a time; default: as many as there are processors
  --compare         do the same with child_process.fork`

const { values } = parseArgs({
  options: {
    package: { type: 'string', default: '@babel/preset-env' },
    output: { type: 'string', default: 'minified' },
    workers: { type: 'string', default: `${availableParallelism()}` },
    compare: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit()
}
const folders = installedTree(values.package, import.meta.dirname)
const files = [...folders].flatMap(scriptsIn)
const workers = Number(values.workers)
if (!folders.size) throw new Error(`${values.package} is not installed`)
if (!Number.isInteger(workers) || workers < 1) throw new Error(`--workers is a positive integer, not ${values.workers}`)

process.env['MINIFY_OUTPUT'] = resolve(values.output)
const outcomes: Record<string, Outcome> = { 'fork-pool': await withForkPool(files, workers) }
if (values.compare) outcomes['child_process.fork'] = await withChildProcess(files, workers)
console.log(
  `${values.package} and what it needs, ${folders.size} packages, written to ${process.env['MINIFY_OUTPUT']}\n`,
)
console.log(tabulate(outcomes))
if (Object.values(outcomes).some(outcome => outcome.failed)) process.exitCode = 1
