import { flagName, joinNodeOptions, preloadingFlags, splitNodeOptions } from './node-options.js'

/**
 * The flags without which a template cannot be forked, or shares less memory with its children. With them, V8 waits for
 * no thread of its own, which a forked process would not have, and compiles no WebAssembly in threads. It keeps the
 * code that it has compiled, so that children inherit it. It does not compact the memory of idle children, which they
 * share until then.
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
