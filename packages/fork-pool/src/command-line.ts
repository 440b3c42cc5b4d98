import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { ForkProcess } from '@anyfork/fork-rpc'
import { inputsOf } from './inputs.js'
import { pool, type ForkPool } from './pool.js'
import { progressBar } from './progress-bar.js'
import { reportOf } from './report.js'

interface Options {
  workers: number
  report?: string
}

/** Calls under way for each worker, so that none waits for the next input. */
const WINDOW = 4

/** The program `fork-pool`. Sets the exit status: 0 when all calls succeeded, 1 when any failed. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('fork-pool')
    .description('Calls a function once for each input, in a pool of processes that are forked from one that has its module loaded.\nResults go to standard output, one line of JSON for each input, in the order of the inputs.')
    .argument('<module[#export]>', "a file or the name of a package, and the function's name; default: the default export")
    .argument('[inputs...]', 'one call for each; none: the lines of standard input')
    .option('-w, --workers <n>', 'most processes at a time', positiveInteger, availableParallelism())
    .option('-r, --report <file>', 'write figures of the workers to a file, as JSON')
    .action((target: string, inputs: string[], options: Options) => runAll(target, inputs, options))
  await program.parseAsync(argv)
}

async function runAll(target: string, inputs: string[], { workers, report }: Options): Promise<void> {
  const [module, name] = splitTarget(target)
  const template = ForkProcess.exec().require(module)
  const call = pool(template, module, name, { max: workers })
  const started = performance.now()
  process.stdout.on('error', quitOnBrokenPipe)
  try {
    await template.ready()
    const counts = await callEach(call, inputsOf(inputs), workers * WINDOW, inputs.length)
    if (report) await writeFile(report, JSON.stringify(await reportOf(call, counts, performance.now() - started), null, 2) + '\n')
    if (counts.failed) process.exitCode = 1
  } catch (error) {
    complain((error as Error).message)
    process.exitCode = 1
  } finally {
    await call.close()
  }
}

/** Calls for every input, prints results in the order of the inputs. */
async function callEach(call: ForkPool, inputs: AsyncIterable<string>, window: number, total: number): Promise<{ inputs: number; failed: number }> {
  const counts = { inputs: 0, failed: 0 }
  const bar = progressBar(total)
  const results: Promise<string | undefined>[] = []
  const printFirst = async (): Promise<void> => {
    const line = await results.shift()
    if (line === undefined) counts.failed++
    else if (!process.stdout.write(`${line}\n`)) await new Promise(resolve => process.stdout.once('drain', resolve))
  }
  for await (const input of inputs) {
    counts.inputs++
    bar.expect(counts.inputs)
    results.push(callOnce(call, input).finally(bar.step))
    if (results.length >= window) await printFirst()
  }
  while (results.length) await printFirst()
  bar.stop()
  return counts
}

/** A line of JSON, or nothing when the call failed, which is reported. */
async function callOnce(call: ForkPool, input: string): Promise<string | undefined> {
  try {
    return JSON.stringify(await call(input)) ?? 'null'
  } catch (error) {
    complain(`${input}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** A file where there is one, else a package; and the name of the function. */
function splitTarget(target: string): [module: string | URL, name: string] {
  const hash = target.lastIndexOf('#')
  const [module, name] = hash < 0 ? [target, 'default'] : [target.slice(0, hash), target.slice(hash + 1)]
  if (/^file:/.test(module)) return [new URL(module), name]
  const isFile = existsSync(module) || /^\.{0,2}\//.test(module)
  return [isFile ? pathToFileURL(module) : module, name]
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('it is a positive integer.')
  return Number(text)
}

function complain(message: string): void {
  process.stderr.write(`fork-pool: ${message}\n`)
}

function quitOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(1)
}
