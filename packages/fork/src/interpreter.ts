import { MAIN } from './entry-files.js'
import type { MemoryPolicy } from './memory-policy.js'
import type { ForkMode } from './mode.js'
import { flagName, joinNodeOptions, preloadingFlags, splitNodeOptions } from './node-options.js'
import { programFolder } from './lookup-folder.js'

/** The descriptors that every interpreter started by this package finds open, beside the standard streams. */
export const CONTROL_FD = 3
export const LIFELINE_FD = 4
/** Only in an interpreter that replays the orders of another process. */
export const REPLAY_FD = 5

/**
 * Set in the environment of an interpreter until it runs `MAIN`, which deletes the variable. Another program that is
 * started by mistake finds it there.
 */
export const STARTED_VARIABLE = 'ANYFORK_STARTED'

/**
 * The flags without which a template cannot be forked, or shares less memory with its children. With them, V8 waits for
 * no thread of its own, which a forked process would not have, and compiles WebAssembly in none. It keeps the code that it compiled, so that children
 * inherit it. It does not compact the memory of idle children, which they share until then.
 */
export const FORKING_FLAGS: readonly string[] = [
  '--single-threaded',
  '--v8-pool-size=1',
  '--no-flush-bytecode',
  '--no-memory-reducer',
  '--no-liftoff',
  '--wasm-lazy-compilation',
]

/**
 * The flags that do the same in an interpreter that calls `setLateFlags`. V8 accepts Node's code cache for built-in
 * modules with them, so that the interpreter starts sooner.
 */
const EARLY_FLAGS: readonly string[] = [
  '--single-threaded-gc',
  '--no-concurrent-recompilation',
  '--no-concurrent-sparkplug',
  '--v8-pool-size=1',
  '--no-memory-reducer',
]
const ADDED_FLAGS: ReadonlySet<string> = new Set([...FORKING_FLAGS, ...EARLY_FLAGS])

/** The flags that tell one program what to run or how to be observed. */
const OWN_FLAGS: readonly RegExp[] = [
  /^--inspect(-brk|-wait)?$/,
  /^(-e|--eval|-p|--print|-pe|--input-type|-i|--interactive|-c|--check)$/,
  /^--(test|watch|experimental-test|run)(-|$)/,
  /^--(prof|cpu-prof|heap-prof)/,
]

/** What an interpreter is told when it is started. */
export interface MainSettings {
  mode: ForkMode
  /** From `threadsArgument`. */
  threads: string
  memory: MemoryPolicy
  /** The beginning of its title. */
  title: string
  /** The descriptors that it inherits without being given them, from `inheritableDescriptors`. */
  inherited: string
}

/**
 * Returns the arguments that start `MAIN`. `take-orders.ts` reads them.
 *
 * @param how - left out for a template; `'replay'` for an interpreter that replays the orders of another process. For one
 *   that takes the place of a process: the numbers of its control socket, its lifeline, and the file with its orders
 */
export function mainArguments(
  { mode, threads, memory, title, inherited }: MainSettings,
  how?: 'replay' | readonly number[],
): string[] {
  const rest = how === undefined ? [] : [how].flat().map(String)
  return [MAIN, mode, threads, memory, title, programFolder() ?? '', inherited, ...rest]
}

/**
 * Returns the flags of an interpreter that can be forked.
 *
 * @param execArgv - the flags that its owner has chosen
 * @param env - its environment
 */
export function forkableFlags(execArgv: readonly string[], env: NodeJS.ProcessEnv): string[] {
  return [...execArgv, ...(preloadingFlags(execArgv, env).length ? FORKING_FLAGS : EARLY_FLAGS)]
}

/** Returns flags for an interpreter that is never forked. */
export function withoutForkingFlags(execArgv: readonly string[]): string[] {
  return execArgv.filter(flag => !ADDED_FLAGS.has(flag))
}

/**
 * Returns the flags of this program that are valid for another one. A word that follows a flag is its value and stays
 * with it: Node ends its flags at the first word that is not one, and no value begins with `-`.
 */
export function inheritedFlags(execArgv: readonly string[]): string[] {
  let isOwn = false
  return execArgv.filter(word => {
    if (word.startsWith('-')) isOwn = isOwnFlag(word)
    return !isOwn
  })
}

/**
 * Returns an environment whose NODE_OPTIONS has only flags that are valid for another program: an interpreter must
 * neither take this program's inspector port nor wait for a debugger.
 */
export function inheritedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: text, ...rest } = env
  if (!text) return env
  const options = splitNodeOptions(text)
  const kept = inheritedFlags(options)
  if (kept.length === options.length) return env
  return kept.length ? { ...rest, NODE_OPTIONS: joinNodeOptions(kept) } : rest
}

function isOwnFlag(word: string): boolean {
  const name = flagName(word)
  return OWN_FLAGS.some(flag => flag.test(name))
}
