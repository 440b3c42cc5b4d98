import { type Handle } from '@anyfork/fdpass'
import {
  checkArgument,
  checkOptions,
  descriptorNumber,
  type Expectation,
  type Expectations,
} from '@anyfork/fdpass/internal'
import { aMode, type ForkMode, resolveMode } from '../mode.js'

/** How a fresh interpreter is started. */
export interface ExecOptions {
  /** How its forks are made, and theirs; default: what the environment variable `ANYFORK_MODE` says, else `'auto'`. */
  mode?: ForkMode
  /** The interpreter; default: the one that runs this program. */
  execPath?: string
  /** Its flags beside those that forking needs; default: those of this program that make sense in another. */
  execArgv?: readonly string[]
  /** Its environment; default: that of this program. NODE_OPTIONS goes without flags that are about this program only, such as `--inspect`. */
  env?: NodeJS.ProcessEnv
  /** Its working directory, a path or file URL; default: that of this program. */
  cwd?: string | URL
  /** Its standard input, output and error: descriptors (borrowed), or `'ignore'`; default: those of this program. */
  stdio?: readonly ('inherit' | 'ignore' | Handle)[]
  /** What it is told to have been called as, its `process.argv0`; default: `execPath`. */
  argv0?: string
  /** What `ps` shows of it and of what is forked from it, followed by `template` or the name of the function that runs; default: `'anyfork'`. */
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
    test: value => Array.isArray(value) && value.every(flag => typeof flag === 'string'),
    text: 'an array of strings',
  },
  env: {
    test: value => typeof value === 'object' && value !== null && !(Symbol.iterator in value),
    text: 'an object such as process.env',
  },
  cwd: {
    test: value => (typeof value === 'string' && value !== '') || value instanceof URL,
    text: 'a path or a file URL',
  },
  stdio: { test: value => Array.isArray(value) && value.length <= 3, text: 'an array of up to three streams' },
  argv0: aText,
  title: aText,
}
const aStream: Expectation = {
  test: value => typeof value !== 'string' || value === 'inherit' || value === 'ignore',
  text: "'inherit', 'ignore', or something that has a descriptor",
}

/** @throws TypeError for an option that does not exist or is invalid */
export function checkExecOptions(options: ExecOptions): void {
  checkOptions('exec()', options, expectations)
  resolveMode(options.mode) // ANYFORK_MODE may be invalid
  for (const [i, stream] of [...(options.stdio ?? [])].entries()) {
    checkArgument(`option stdio[${i}] of exec()`, stream, aStream)
    if (typeof stream !== 'string' && stream !== undefined && stream !== null) descriptorNumber(stream)
  }
}
