import { type Handle } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { checkNames } from '../check-names.js'
import { type ForkMode, resolveMode } from '../mode.js'

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

const names = new Set(['mode', 'execPath', 'execArgv', 'env', 'cwd', 'stdio', 'argv0', 'title'])

/** @throws TypeError for what makes no sense, before anything is started */
export function checkExecOptions(options: ExecOptions): void {
  checkNames('exec()', options, names)
  const { mode, execPath, execArgv, env, cwd, stdio, argv0, title } = options
  resolveMode(mode)
  for (const [name, value] of Object.entries({ execPath, argv0, title })) {
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.includes('\0')))
      throw new TypeError(`${name} is a text without zero bytes, not ${String(value)}`)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every(flag => typeof flag === 'string')))
    throw new TypeError('execArgv is a list of texts')
  if (env !== undefined && (typeof env !== 'object' || env === null || Symbol.iterator in env))
    throw new TypeError('env is an object of texts, as process.env')
  if (cwd !== undefined && !(typeof cwd === 'string' && cwd !== '') && !(cwd instanceof URL))
    throw new TypeError('cwd is a path or a file URL')
  if (stdio !== undefined && !(Array.isArray(stdio) && stdio.length <= 3))
    throw new TypeError('stdio is a list of up to three')
  for (const stream of (stdio ?? []) as readonly unknown[]) checkStream(stream)
}

function checkStream(stream: unknown): void {
  if (stream === undefined || stream === null || stream === 'inherit' || stream === 'ignore') return
  if (typeof stream === 'string') throw new TypeError(`stdio is of 'inherit', 'ignore' and descriptors, not ${stream}`)
  descriptorNumber(stream as Handle)
}
