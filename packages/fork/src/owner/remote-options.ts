import { checkOptions, descriptorNumber, type Expectation, type Expectations } from '@anyfork/fdpass/internal'
import {
  aFolder,
  anEnvironment,
  aStartTimeout,
  aStream,
  START_TIMEOUT_MS,
  type StandardStream,
} from './exec-options.js'

/** How a remote process is started. */
export interface RemoteOptions {
  /**
   * The program that starts Node on the other side, and its arguments: `['ssh', 'host', 'node']`. Its last word must be
   * Node, or flags of Node. Four words are added, which contain no character that a shell interprets. After the `-c` of a
   * shell, they are added to the text: `['sh', '-c', 'exec node']`.
   */
  command: readonly string[]
  /**
   * The whole environment of the command here.
   *
   * @default process.env
   */
  env?: NodeJS.ProcessEnv
  /**
   * The working folder of the command here: a path or a file URL.
   *
   * @default the working folder of this program
   */
  cwd?: string | URL
  /**
   * Standard error of the command, to which the remote process writes what code there writes to standard output and standard
   * error: `'inherit'`, `'ignore'`, `'pipe'`, or something that has a descriptor. A pipe leads to `stderr` of the process
   * object. Each fork gets a pipe of its own. A descriptor is borrowed, and must stay open while forks are made.
   *
   * @default 'inherit'
   */
  stderr?: StandardStream
  /**
   * How long the command may take until the remote process takes orders, in milliseconds: above 0 and below 2^31, or
   * `Infinity`. After that, it is killed. The time in which this program is stopped or busy does not count.
   *
   * @default 60_000
   */
  startTimeout?: number
}

const someProgram: Expectation = {
  test: value =>
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== '' &&
    value.every(word => typeof word === 'string' && !word.includes('\0')),
  text: 'an array of the program and its arguments, strings without zero bytes',
}

const expectations: Expectations<RemoteOptions> = {
  command: someProgram,
  env: anEnvironment,
  cwd: aFolder,
  stderr: aStream,
  startTimeout: aStartTimeout,
}

/** @throws TypeError if an option does not exist, is missing, or is invalid */
export function checkRemoteOptions(options: RemoteOptions): void {
  checkOptions('remote()', options, expectations)
  if (options.command === undefined) throw new TypeError(`option command of remote() must be ${someProgram.text}`)
  const { stderr } = options
  if (stderr !== undefined && typeof stderr !== 'string') descriptorNumber(stderr)
}

/** Returns the options with which forks of the process are started: later changes of the object have no effect on them. */
export function keepOptions({
  command,
  env,
  cwd,
  stderr,
  startTimeout = START_TIMEOUT_MS,
}: RemoteOptions): KeptOptions {
  return { command: [...command], env: env && { ...env }, cwd, stderr, startTimeout }
}

/** What `keepOptions` returns. */
export type KeptOptions = Readonly<{
  command: readonly string[]
  env: NodeJS.ProcessEnv | undefined
  cwd: string | URL | undefined
  stderr: StandardStream | undefined
  startTimeout: number
}>
