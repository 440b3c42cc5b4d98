import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import TerserPlugin from 'terser-webpack-plugin'
import { build, packages as defaultPackages } from './build.js'
import { forkPoolMinifier } from './fork-pool-minifier.js'

const USAGE = `Usage: npm start -- [options] [packages...]

Bundles installed packages twice, minified by jest-worker and by fork-pool, and compares the files.

  --output <dir>  the folder of the bundles (default: bundles)
  --workers <n>   the number of workers (default: 2)

The packages are by default: ${defaultPackages.join(', ')}`

const { packages, output, workers } = parseOptions()
const folders = { jestWorker: join(output, 'jest-worker'), forkPool: join(output, 'fork-pool') }

const withJestWorker = await secondsToBuild(folders.jestWorker, new TerserPlugin({ parallel: workers }))
const { minify, pool } = forkPoolMinifier(workers)
const withForkPool = await secondsToBuild(folders.forkPool, new TerserPlugin({ minify }))
const { calls, started } = await pool.stats()
await pool.close()

const files = readdirSync(folders.jestWorker).sort()
const differing = [...new Set([...files, ...readdirSync(folders.forkPool)])].filter(
  file => !isSame(join(folders.jestWorker, file), join(folders.forkPool, file)),
)
const bytes = files.reduce((sum, file) => sum + statSync(join(folders.jestWorker, file)).size, 0)
console.log(`${packages.length} bundles, ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, in ${output}`)
console.log(`with jest-worker  ${withJestWorker} s`)
console.log(`with fork-pool    ${withForkPool} s, ${calls.done} calls in ${started} workers`)
console.log(differing.length ? `different files: ${differing.join(', ')}` : 'all files are the same')
if (differing.length) process.exitCode = 1

async function secondsToBuild(folder: string, plugin: TerserPlugin): Promise<string> {
  const startedAt = performance.now()
  await build(folder, plugin, packages)
  return ((performance.now() - startedAt) / 1000).toFixed(2)
}

/** Reports whether two files exist and have the same content. */
function isSame(one: string, other: string): boolean {
  try {
    return readFileSync(one).equals(readFileSync(other))
  } catch {
    return false
  }
}

function parseOptions(): { packages: readonly string[]; output: string; workers: number } {
  const { values, positionals } = parse()
  if (values.help) {
    console.log(USAGE)
    process.exit()
  }
  const workers = Number(values.workers)
  if (!Number.isInteger(workers) || workers < 1) exitWithError('--workers: expected a positive integer')
  return { packages: positionals.length ? positionals : defaultPackages, output: resolve(values.output), workers }
}

function parse() {
  try {
    return parseArgs({
      options: {
        output: { type: 'string', default: 'bundles' },
        workers: { type: 'string', default: '2' },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    })
  } catch (error) {
    return exitWithError((error as Error).message) // an unknown option, or one without its value
  }
}

function exitWithError(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}
