import type { Handle } from '@anyfork/fdpass'
import {
  checkArgument,
  checkOptions,
  descriptorNumber,
  type Expectation,
  type Expectations,
  isUrl,
} from '@anyfork/fdpass/internal'
import { areCopiedThreads, type CopiedThreads, resolveThreads } from '../copied-threads.js'
import { aMemoryPolicy, type MemoryPolicy } from '../memory-policy.js'
import { aMode, type ForkMode, resolveMode } from '../mode.js'

/** Where standard input, output, or error of a process leads. */
export type StandardStream = 'inherit' | 'ignore' | 'pipe' | Handle

/** How an interpreter is started. */
export interface ExecOptions {
  /**
   * How the interpreter and its descendants make their forks.
   *
   * @default the environment variable `ANYFORK_MODE`, else `'auto'`
   */
  mode?: ForkMode
  /**
   * Which threads the forks have: see `CopiedThreads`. Has no effect in mode `'exec'`.
   *
   * @default the environment variable `ANYFORK_THREADS`, else `'one'`; with a loader (`--import`, `--loader`), `'all'` where
   *   that is possible
   */
  threads?: CopiedThreads
  /**
   * The path of the interpreter.
   *
   * @default process.execPath
   */
  execPath?: string
  /**
   * Flags of the interpreter. Those that forking needs are added.
   *
   * @default process.execArgv without flags that concern only this program, such as `--inspect` and `-e`
   */
  execArgv?: readonly string[]
  /**
   * The whole environment. Flags in NODE_OPTIONS that concern only this program are left out.
   *
   * @default process.env
   */
  env?: NodeJS.ProcessEnv
  /**
   * The working folder: a path or a file URL.
   *
   * @default the working folder of this program
   */
  cwd?: string | URL
  /**
   * Standard input, output, and error: `'inherit'`, `'ignore'`, `'pipe'`, or something that has a descriptor, which is
   * borrowed. A pipe leads to `stdin`, `stdout`, or `stderr` of the process object. Forks have the same streams.
   *
   * @default 'inherit' for each
   */
  stdio?: readonly StandardStream[]
  /**
   * What becomes `process.argv0`.
   *
   * @default execPath
   */
  argv0?: string
  /**
   * The first word that `ps` shows of the interpreter and its descendants. The second one is `template` or the name of
   * the function that runs.
   *
   * @default 'anyfork'
   */
  title?: string
  /**
   * How long the interpreter may take until it takes orders, in milliseconds: above 0 and below 2^31, or `Infinity`.
   * After that, it is killed. The time in which this program is stopped or busy does not count. Use `Infinity` if the
   * interpreter waits for a debugger.
   *
   * @default 60_000
   */
  startTimeout?: number
  /**
   * How the interpreter and its descendants weigh memory against processor time. Flags of V8's heap in `execArgv` or
   * NODE_OPTIONS take precedence, such as `--max-semi-space-size`.
   *
   * @default 'balanced'
   */
  memory?: MemoryPolicy
}

/** The default of the option `startTimeout`. */
export const START_TIMEOUT_MS = 60_000

const aText: Expectation = {
  test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  text: 'a non-empty string without zero bytes',
}
export const someWords: Expectation = {
  test: value => Array.isArray(value) && value.every(word => typeof word === 'string' && !word.includes('\0')),
  text: 'an array of strings without zero bytes',
}
export const anEnvironment: Expectation = {
  test: value => typeof value === 'object' && value !== null && !(Symbol.iterator in value) && isEnvironment(value),
  text: 'an object such as process.env, without zero bytes',
}
export const aFolder: Expectation = {
  test: value => (typeof value === 'string' && value !== '' && !value.includes('\0')) || isUrl(value),
  text: 'a path without zero bytes or a file URL',
}
export const someStreams: Expectation = {
  test: value => Array.isArray(value) && value.length <= 3,
  text: 'an array of up to three streams',
}
export const aStartTimeout: Expectation = {
  test: value => value === Infinity || (typeof value === 'number' && value > 0 && value < 2 ** 31),
  text: 'a number of milliseconds above 0 and below 2^31, or Infinity',
}
const expectations: Expectations<ExecOptions> = {
  mode: aMode,
  threads: areCopiedThreads,
  execPath: aText,
  execArgv: someWords,
  env: anEnvironment,
  cwd: aFolder,
  stdio: someStreams,
  argv0: aText,
  title: aText,
  startTimeout: aStartTimeout,
  memory: aMemoryPolicy,
}
export const aStream: Expectation = {
  test: value => typeof value !== 'string' || ['inherit', 'ignore', 'pipe'].includes(value),
  text: "'inherit', 'ignore', 'pipe', or something that has a descriptor",
}

/** @throws TypeError if an option does not exist or is invalid, or ANYFORK_MODE or ANYFORK_THREADS is */
export function checkExecOptions(options: ExecOptions): void {
  checkOptions('exec()', options, expectations)
  resolveMode(options.mode) // ANYFORK_MODE may be invalid
  resolveThreads(options.threads)
  checkStreams('exec()', options.stdio)
}

/** @throws TypeError if a standard stream is invalid */
export function checkStreams(call: string, stdio: readonly StandardStream[] | undefined): void {
  for (const [i, stream] of [...(stdio ?? [])].entries()) {
    checkArgument(`option stdio[${i}] of ${call}`, stream, aStream)
    if (typeof stream !== 'string' && stream !== undefined && stream !== null) descriptorNumber(stream)
  }
}

/** Returns whether Node accepts an environment. Its own error would show the value. */
function isEnvironment(variables: object): boolean {
  return Object.entries(variables).every(
    ([name, value]) => typeof value !== 'symbol' && !name.includes('\0') && !String(value).includes('\0'),
  )
}
