import { setFlagsFromString } from 'node:v8'

/**
 * Flags of V8 that matter only to users' code. If one of them is set, V8 rejects Node's code cache for built-in modules,
 * and compiles anew each one that is loaded from then on.
 *
 * On the command line, `--single-threaded` and `--no-liftoff` imply others of these, at run time they do not. Even with
 * `--single-threaded`, V8 compiles a function of WebAssembly that was called often a second time in a thread. A child lacks
 * that thread, so its functions would stay slow, and children of a template that was forked meanwhile have crashed. So
 * each function is compiled only once, at its first call, by the optimizing compiler. From Node 26 on, that compiler
 * aborts the process if it may rely on what the first one has observed, as for `fetch`.
 */
export const LATE_FLAGS: readonly string[] = [
  '--single-threaded',
  '--wasm-num-compilation-tasks=0',
  '--no-wasm-async-compilation',
  '--no-wasm-tier-up',
  '--no-liftoff',
  '--no-wasm-dynamic-tiering',
  '--wasm-lazy-compilation',
  '--no-flush-bytecode',
  // V8 prints an error for a flag that it does not have
  ...(Number.parseInt(process.versions.v8, 10) < 13
    ? []
    : ['--no-maglev-build-code-on-background', '--no-maglev-deopt-data-on-background', '--no-wasm-deopt']),
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
