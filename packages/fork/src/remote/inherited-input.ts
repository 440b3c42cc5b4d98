import childProcess, { ChildProcess } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

type Fn = (this: unknown, ...args: unknown[]) => unknown

/** The functions that do not use `ChildProcess.prototype.spawn`, which Node does not document. */
const SYNCHRONOUS = ['spawnSync', 'execFileSync', 'execSync'] as const

/**
 * Gives the processes that code starts an empty standard input where they would inherit that of this process, which may be
 * the connection. Has no effect on code that runs in a thread, or starts processes without `node:child_process`.
 */
export function emptyInheritedInput(): void {
  const prototype = ChildProcess.prototype as unknown as { spawn: Fn }
  const functions = childProcess as unknown as Record<string, Fn>
  prototype.spawn = withoutInput(prototype.spawn)
  for (const name of SYNCHRONOUS) functions[name] = withoutInput(functions[name]!)
  syncBuiltinESMExports() // for modules that import them by name
}

/** Wraps a function that takes the option `stdio`. */
function withoutInput(start: Fn): Fn {
  return function (...args) {
    return start.apply(this, args.map(ignoreInput))
  }
}

/** Returns options without the inherited input; anything else as it is. */
function ignoreInput(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || !('stdio' in options)) return options
  const { stdio } = options
  if (stdio === 'inherit') return { ...options, stdio: ['ignore', 'inherit', 'inherit'] }
  return Array.isArray(stdio) ? { ...options, stdio: stdio.map(ignoreIfInput) } : options
}

/** @param number - the descriptor in the process that is started */
function ignoreIfInput(stream: unknown, number: number): unknown {
  const isInput = stream === 0 || stream === process.stdin || (stream === 'inherit' && number === 0)
  return isInput ? 'ignore' : stream
}
