import { setFlagsFromString } from 'node:v8'

/**
 * Flags of V8 that matter only to users' code. If one of them is set, V8 rejects Node's code cache for built-in modules,
 * and compiles anew each one that is loaded from then on.
 *
 * On the command line, `--single-threaded` implies the two for the compilation of WebAssembly. Even with them, V8 compiles a
 * function that was called often a second time in a thread. A child lacks that thread, so its functions would stay slow, and
 * children of a template that was forked meanwhile have crashed. So each function is compiled only once, at its first
 * call, by the optimizing compiler.
 */
const LATE_FLAGS: readonly string[] = [
  '--single-threaded',
  '--wasm-num-compilation-tasks=0',
  '--no-wasm-async-compilation',
  '--no-liftoff',
  '--wasm-lazy-compilation',
  '--no-flush-bytecode',
]

let areSet = false

/** Completes the flags that `forkableFlags` returns. Call this before users' code is loaded. */
export function setLateFlags(): void {
  for (const flag of LATE_FLAGS) setFlagsFromString(flag)
  areSet = true
}

/** Returns whether this process, or one of which it is a copy, has called `setLateFlags`. */
export function hasLateFlags(): boolean {
  return areSet
}
