import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { checkOptions, type Expectations, systemError } from '@anyfork/fdpass/internal'
import type { Configuration } from '../configuration.js'
import { aFolder, anEnvironment, checkStreams, type StandardStream, someStreams, someWords } from './exec-options.js'
import { assertOpen } from './stream-ends.js'

/** The surroundings of a process. Everything left out stays as it is; in a fork, as in the process it is forked from. */
export interface ProcessOptions {
  /** The whole environment. */
  env?: NodeJS.ProcessEnv
  /** The working folder: a path or a file URL. A relative path begins at the working folder of the process. */
  cwd?: string | URL
  /** The words of `process.argv` after the first, which is the interpreter: usually the path of a script, then arguments. */
  argv?: readonly string[]
  /**
   * Standard input, output, and error: `'inherit'` leaves a stream as it is, `'ignore'` makes it `/dev/null`, and `'pipe'`
   * connects it with `stdin`, `stdout`, or `stderr` of the process object. Everything else must have a descriptor, which
   * is borrowed.
   */
  stdio?: readonly StandardStream[]
}

/** The limit of one string in bytes, with the zero that ends it (MAX_ARG_STRLEN, execve(2)). */
const MOST_STRING_BYTES = 1 << 17
/** The limit of all strings with their pointers, in bytes: that of execve(2) where the stack has its usual 8 MiB. */
const MOST_BYTES = 1 << 21
const POINTER_BYTES = 8

const expectations: Expectations<ProcessOptions> = {
  env: anEnvironment,
  cwd: aFolder,
  argv: someWords,
  stdio: someStreams,
}

/**
 * @param call - for the messages
 * @throws TypeError if an option does not exist or is invalid
 * @throws `E2BIG` if the environment or the arguments are larger than execve(2) accepts
 * @throws `EBADF` if a descriptor is not open
 */
export function checkProcessOptions(call: string, options: ProcessOptions): void {
  checkOptions(call, options, expectations)
  checkStreams(call, options.stdio)
  if (options.env) assertNamed(call, options.env)
  if (pathOf(options.cwd)?.includes('\0')) throw new TypeError(`option cwd of ${call} must be ${aFolder.text}`)
  const strings = [...(options.argv ?? []), ...Object.entries(environmentOf(options) ?? {}).map(pair => pair.join('='))]
  const sizes = strings.map(text => Buffer.byteLength(text) + 1)
  const total = sizes.reduce((sum, size) => sum + size + POINTER_BYTES, 0)
  if (total > MOST_BYTES || sizes.some(size => size > MOST_STRING_BYTES))
    throw systemError(-constants.errno.E2BIG, 'execve')
  assertOpen(options.stdio)
}

/** Returns what is sent of valid options. */
export function configurationOf(options: ProcessOptions, streams: readonly number[]): Configuration {
  const { argv, cwd } = options
  return { env: environmentOf(options), argv: argv && [...argv], cwd: pathOf(cwd), streams }
}

/** @throws TypeError for a URL that is no file */
function pathOf(folder: string | URL | undefined): string | undefined {
  return folder === undefined || typeof folder === 'string' ? folder : fileURLToPath(folder.href)
}

/** As `child_process`, which leaves out variables that are `undefined`. */
function environmentOf({ env }: ProcessOptions): Record<string, string> | undefined {
  if (!env) return undefined
  const entries = Object.entries(env).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

/** @throws TypeError for a name that setenv(3) does not accept */
function assertNamed(call: string, env: NodeJS.ProcessEnv): void {
  if (Object.keys(env).some(name => name === '' || name.includes('=')))
    throw new TypeError(`option env of ${call} must have no empty name and none with '='`)
}
