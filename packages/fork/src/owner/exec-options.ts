import type { Handle } from '@anyfork/fdpass'
import {
  checkArgument,
  checkOptions,
  descriptorNumber,
  type Expectation,
  type Expectations,
  isUrl,
} from '@anyfork/fdpass/internal'
import { aMode, type ForkMode, resolveMode } from '../mode.js'

/** How an interpreter is started. */
export interface ExecOptions {
  /**
   * How the interpreter and its descendants make their forks.
   *
   * @default the environment variable `ANYFORK_MODE`, else `'auto'`
   */
  mode?: ForkMode
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
   * Standard input, output, and error: `'inherit'`, `'ignore'`, or something that has a descriptor. Descriptors are
   * borrowed.
   *
   * @default 'inherit' for each
   */
  stdio?: readonly ('inherit' | 'ignore' | Handle)[]
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
}

const aText: Expectation = {
  test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  text: 'a non-empty string without zero bytes',
}
const expectations: Expectations<ExecOptions> = {
  mode: aMode,
  execPath: aText,
  execArgv: {
    test: value => Array.isArray(value) && value.every(flag => typeof flag === 'string' && !flag.includes('\0')),
    text: 'an array of strings without zero bytes',
  },
  env: {
    test: value => typeof value === 'object' && value !== null && !(Symbol.iterator in value) && isEnvironment(value),
    text: 'an object such as process.env, without zero bytes',
  },
  cwd: {
    test: value => (typeof value === 'string' && value !== '' && !value.includes('\0')) || isUrl(value),
    text: 'a path without zero bytes or a file URL',
  },
  stdio: { test: value => Array.isArray(value) && value.length <= 3, text: 'an array of up to three streams' },
  argv0: aText,
  title: aText,
}
const aStream: Expectation = {
  test: value => typeof value !== 'string' || value === 'inherit' || value === 'ignore',
  text: "'inherit', 'ignore', or something that has a descriptor",
}

/** @throws TypeError if an option does not exist or is invalid, or ANYFORK_MODE is */
export function checkExecOptions(options: ExecOptions): void {
  checkOptions('exec()', options, expectations)
  resolveMode(options.mode) // ANYFORK_MODE may be invalid
  for (const [i, stream] of [...(options.stdio ?? [])].entries()) {
    checkArgument(`option stdio[${i}] of exec()`, stream, aStream)
    if (typeof stream !== 'string' && stream !== undefined && stream !== null) descriptorNumber(stream)
  }
}

/** Returns whether Node accepts an environment. Its own error would show the value. */
function isEnvironment(variables: object): boolean {
  return Object.entries(variables).every(
    ([name, value]) => typeof value !== 'symbol' && !name.includes('\0') && !String(value).includes('\0'),
  )
}
