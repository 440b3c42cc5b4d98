import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installedTree, scriptsIn } from './dependency-tree.js'
import { type Outcome, tabulate } from './outcome.js'
import { withChildProcess } from './with-child-process.js'
import { withForkPool } from './with-fork-pool.js'

const USAGE = `Usage: npm start -- [options]

Minifies every JavaScript file of an installed package and of all its dependencies.

  --package <name>  the package (default: @babel/preset-env)
  --output <dir>    the folder for the results (default: minified)
  --workers <n>     the number of workers (default: one per processor)
  --compare         repeats the work with child_process.fork`

const options = parseOptions()
const packages = installedTree(options.package, import.meta.dirname)
if (!packages.size) exitWithError(`--package: ${options.package} is not installed`)
const files = [...packages].flatMap(scriptsIn)

console.error(`minifying ${files.length} ${files.length === 1 ? 'file' : 'files'} …`)

process.env['MINIFY_OUTPUT'] = options.output // for minify(), in the workers
const outcomes: Record<string, Outcome> = { 'fork-pool': await withForkPool(files, options.workers) }
if (options.compare) outcomes['child_process.fork'] = await withChildProcess(files, options.workers)

console.log(`${options.package} and its dependencies, ${packages.size} packages, written to ${options.output}\n`)
console.log(tabulate(outcomes))
if (Object.values(outcomes).some(outcome => outcome.failed)) process.exitCode = 1

function parseOptions(): { package: string; output: string; workers: number; compare: boolean } {
  const { help, ...values } = parse()
  if (help) {
    console.log(USAGE)
    process.exit()
  }
  const workers = Number(values.workers)
  if (!Number.isInteger(workers) || workers < 1) exitWithError('--workers: expected a positive integer')
  return { ...values, output: resolve(values.output), workers }
}

function parse() {
  try {
    return parseArgs({
      options: {
        package: { type: 'string', default: '@babel/preset-env' },
        output: { type: 'string', default: 'minified' },
        workers: { type: 'string', default: `${availableParallelism()}` },
        compare: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return exitWithError((error as Error).message) // an unknown option, or one without its value
  }
}

function exitWithError(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}
