import { Command, InvalidArgumentError, Option } from 'commander'
import { packageVersion } from '../entry-files.js'
import { ncpu } from '../ncpu.js'

/** The options of the program. Durations are in milliseconds, sizes in bytes. */
export interface Options {
  workers: number
  load: number
  timeout?: number
  retries: number
  unordered?: true
  null?: true
  ndjson?: true
  raw?: true
  tag?: true
  isolate?: true
  memory?: number
  nice?: number
  preload?: string[]
  halt?: true
  dryRun?: true
  joblog?: string
  resume?: true
  resumeFailed?: true
  results?: string
  json?: string
  watch?: true
  summary?: true
}

const NOTES = `
Exit status: the number of failed inputs, 101 for more than 100,
130 after SIGINT, 255 for other errors.
The first SIGINT lets running calls finish and lists the inputs that were
not done; the second one kills the calls.`

/** Powers of 1024 for capital letters and of 1000 for small ones, as in GNU parallel. */
const UNITS = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

/** Returns the parser of the command line. It throws a CommanderError instead of exiting. */
export function commandLine(run: (target: string, inputs: string[], options: Options) => Promise<void>): Command {
  return new Command('fork-pool')
    .description(
      'Calls a function once for each input, in a pool of forked processes.\nPrints each result on standard output, as a line of JSON.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .argument('<module[#export]>', 'module and function; default: its default export')
    .argument('[inputs...]', 'the inputs; default: the lines of standard input')
    .option('-w, --workers <n>', 'maximum number of worker processes', positiveInteger, ncpu())
    .option('-l, --load <n>', 'calls that a worker has at a time', positiveInteger, 1)
    .option('-t, --timeout <seconds>', 'kill the worker of a call that takes longer', seconds)
    .option('-r, --retries <n>', 'how often to repeat a failed call', integer, 0)
    .option('-u, --unordered', 'print results as they arrive')
    .addOption(new Option('--ordered', 'print results in the order of the inputs (default)').conflicts('unordered'))
    .option('-0, --null', 'inputs on standard input end with NUL bytes')
    .addOption(new Option('--ndjson', 'inputs are JSON, one per line').conflicts('null'))
    .option('--raw', 'print strings as they are, not as JSON')
    .option('--tag', 'begin each line of a result with its input and a tab')
    .option('--isolate', 'run each call in a process of its own')
    .option('--memory <size>', 'kill the worker of a call that uses more, for example 500M', size)
    .option('--nice <n>', 'the niceness of the workers, -20 to 19', niceness)
    .option('-p, --preload <module>', 'load this module first; repeatable', (module, modules: string[] = []) => [
      ...modules,
      module,
    ])
    .option('--halt', 'begin no more calls after a failure')
    .addOption(new Option('-k, --keep-going', 'go on after a failure (default)').conflicts('halt'))
    .option('--dry-run', 'print the calls instead of making them')
    .option('--joblog <file>', 'log each call in the format of GNU parallel')
    .option('--resume', 'skip the inputs that the joblog has')
    .option('--resume-failed', 'like --resume, but repeat the inputs that failed')
    .option('--results <folder>', 'keep the result and the output of each call')
    .option('--json <file>', 'write counts, times, and memory to a file')
    .option('--watch', 'show the workers and what they do')
    .option('-s, --summary', 'print the counts at the end; default on a terminal')
    .addHelpText('after', NOTES)
    .exitOverride()
    .action(run)
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a positive integer.')
  return Number(text)
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be an integer from 0.')
  return Number(text)
}

function niceness(text: string): number {
  if (!/^[+-]?\d+$/.test(text) || Number(text) < -20 || Number(text) > 19)
    throw new InvalidArgumentError('It must be an integer from -20 to 19.')
  return Number(text)
}

function size(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([KMGTkmgt]?)$/.exec(text) ?? []
  const bytes = Math.round(Number(digits) * (unit ? UNITS[unit as keyof typeof UNITS] : 1))
  if (!(bytes > 0)) throw new InvalidArgumentError('It must be a size in bytes, such as 500M or 2G.')
  return bytes
}

function seconds(text: string): number {
  const milliseconds = Number(text) * 1000
  if (text.trim() === '' || !(milliseconds > 0 && milliseconds < 2 ** 31))
    throw new InvalidArgumentError(`It must be a positive number of seconds below ${2 ** 31 / 1000}.`)
  return milliseconds
}
