import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import TerserPlugin from 'terser-webpack-plugin'
import { build, packages } from './build.js'
import { forkPoolMinifier } from './fork-pool-minifier.js'

const { values, positionals } = parseArgs({
  options: { output: { type: 'string', default: 'bundles' }, workers: { type: 'string', default: '2' } },
  allowPositionals: true,
})
const names = positionals.length ? positionals : packages
const workers = Number(values.workers)
if (!Number.isInteger(workers) || workers < 1) throw new Error(`--workers is a positive integer, not ${values.workers}`)
const folders = { plugin: resolve(values.output, 'jest-worker'), pool: resolve(values.output, 'fork-pool') }

const timed = async (folder: string, plugin: TerserPlugin): Promise<string> => {
  const started = performance.now()
  await build(folder, plugin, names)
  return `${((performance.now() - started) / 1000).toFixed(2)} s`
}
const unmodified = await timed(folders.plugin, new TerserPlugin({ parallel: workers }))
const { minify, pool } = forkPoolMinifier(workers)
const moved = await timed(folders.pool, new TerserPlugin({ minify }))
const { calls, started } = await pool.stats()
await pool.close()

const files = readdirSync(folders.plugin).sort()
const differing = [...new Set([...files, ...readdirSync(folders.pool)])].filter(
  file => !isSame(join(folders.plugin, file), join(folders.pool, file)),
)
const bytes = files.reduce((sum, file) => sum + statSync(join(folders.plugin, file)).size, 0)
console.log(
  `${names.length} bundles, ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, below ${resolve(values.output)}`,
)
console.log(`terser-webpack-plugin as it is, with jest-worker  ${unmodified}`)
console.log(`terser-webpack-plugin over fork-pool              ${moved}, ${calls.done} calls in ${started} workers`)
console.log(differing.length ? `different: ${differing.join(', ')}` : 'all files are the same')
if (differing.length) process.exitCode = 1

function isSame(one: string, other: string): boolean {
  try {
    return readFileSync(one).equals(readFileSync(other))
  } catch {
    return false
  }
}
