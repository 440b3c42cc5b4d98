import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, fchmodSync } from 'node:fs'
import { type Descriptor, type Handle, pipe } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { MAIN } from '../entry-files.js'
import { afterFork } from '../fork-hooks.js'
import { type ForkMode, resolveMode } from '../mode.js'
import { joinNodeOptions, splitNodeOptions } from '../node-options.js'
import { closeAtThreadEnd } from '../thread-end.js'

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

/**
 * V8 then waits for no thread of its own, which a forked process would not have, keeps what it compiled for the
 * children, and does not tidy up the memory of those that are idle, which they share until then.
 */
export const FORKING_FLAGS: readonly string[] = [
  '--single-threaded',
  '--v8-pool-size=1',
  '--no-flush-bytecode',
  '--no-memory-reducer',
]

/** Flags that tell this program what to run or how to be watched. */
const ownFlags = [
  /^--inspect(-brk|-wait)?$/,
  /^(-e|--eval|-p|--print|-pe|--input-type|-i|--interactive|-c|--check)$/,
  /^--(test|watch|experimental-test|run)(-|$)/,
  /^--(prof|cpu-prof|heap-prof)/,
]

/**
 * Starts an interpreter that waits for commands and ends with this process.
 *
 * @param control - the child's end of its control socket; borrowed
 * @throws the error of spawn(2) where it is known at once; `ENOENT` and the like for `cwd`
 */
export function spawnTemplate(control: Descriptor, options: ExecOptions): ChildProcess {
  const mode = resolveMode(options.mode)
  const {
    execPath = process.execPath,
    execArgv = inheritedFlags(process.execArgv),
    env = process.env,
    cwd,
    stdio = [],
    argv0,
    title = 'anyfork',
  } = options
  if (cwd !== undefined) accessSync(cwd) // spawn(2) would name the interpreter
  const standard = [0, 1, 2].map(i => standardStream(stdio[i] ?? 'inherit'))
  const child = spawn(execPath, [...execArgv, ...(mode === 'exec' ? [] : FORKING_FLAGS), MAIN, mode, title], {
    stdio: [...standard, control.fd, lifeline().fd],
    env: inheritedEnvironment(env),
    ...(cwd === undefined ? {} : { cwd }),
    ...(argv0 === undefined ? {} : { argv0 }),
  })
  child.unref()
  return child
}

/** Flags for an interpreter that is not to be forked. */
export function withoutForkingFlags(execArgv: readonly string[]): string[] {
  return execArgv.filter(flag => !FORKING_FLAGS.includes(flag))
}

function standardStream(stream: 'inherit' | 'ignore' | Handle): 'inherit' | 'ignore' | number {
  return stream === 'inherit' || stream === 'ignore' ? stream : descriptorNumber(stream as Handle)
}

/**
 * The flags of this program that another one may have, too. A word that follows a flag is
 * its value, and goes with it: Node ends its flags with the first word that is none, and
 * takes no value that begins with `-`.
 */
export function inheritedFlags(execArgv: readonly string[]): string[] {
  let isOwn = false
  return execArgv.filter(word => {
    if (word.startsWith('-')) isOwn = isOwnFlag(word)
    return !isOwn
  })
}

/** Node takes `_` for `-`. */
function isOwnFlag(word: string): boolean {
  const name = word.split('=', 1)[0]!.replaceAll('_', '-')
  return ownFlags.some(flag => flag.test(name))
}

/** An environment without such flags in NODE_OPTIONS: an interpreter must neither take this program's port nor wait for a debugger. */
function inheritedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: text, ...rest } = env
  if (!text) return env
  const options = splitNodeOptions(text)
  const kept = inheritedFlags(options)
  if (kept.length === options.length) return env
  return kept.length ? { ...rest, NODE_OPTIONS: joinNodeOptions(kept) } : rest
}

let ends: [read: Descriptor, write: Descriptor] | undefined

/** The end to read from of a pipe that nobody writes to: it ends when this process does, and all that hold it with it. */
export function lifeline(): Descriptor {
  if (!ends) {
    ends = pipe()
    fchmodSync(ends[0].fd, 0o444) // each opens it anew, also as another user
    for (const end of ends) closeAtThreadEnd(end)
  }
  return ends[0]
}

/**
 * To be called in a copy of this program, once: closes the end to write to, which would keep
 * the copy alive, and hands out the one to read from. The caller owns it.
 */
export function takeLifeline(): Descriptor {
  const [read, write] = ends!
  ends = undefined
  write.close()
  return read
}

afterFork(() => {
  for (const end of ends ?? []) end.close()
  ends = undefined
})
