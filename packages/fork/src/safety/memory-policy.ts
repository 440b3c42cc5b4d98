import { setFlagsFromString } from 'node:v8'
import { DEFAULT_MEMORY_POLICY, type MemoryPolicy } from '../memory-policy.js'
import { flagName, splitNodeOptions } from '../node-options.js'

/**
 * The young generation keeps its size. V8 doubles it while much of what is allocated survives, up to 32 MiB in Node 20
 * and 22, 64 MiB in Node 26, and 128 MiB in Node 24.
 */
const FIXED_YOUNG = '--semi-space-growth-factor=1'
/**
 * By how much the heap may grow before it is collected as a whole, in percent. From Node 24 on, V8 grows small heaps by
 * less, except with this flag.
 */
const SLOW_GROWTH: Readonly<Record<number, readonly string[]>> = {
  11: ['--heap-growing-percent=70'], // Node 20
  12: ['--heap-growing-percent=100'], // Node 22
}

/** Flags of V8 that take effect while it runs. Those of `'fast'` are the defaults. */
const FLAGS: Readonly<Record<MemoryPolicy, readonly string[]>> = {
  lean: [FIXED_YOUNG, '--optimize-for-size'],
  balanced: [FIXED_YOUNG, ...(SLOW_GROWTH[Number.parseInt(process.versions.v8, 10)] ?? [])],
  fast: [],
}
const DEFAULTS: readonly string[] = [
  '--semi-space-growth-factor=2',
  '--heap-growing-percent=0',
  '--no-optimize-for-size',
]
/** A collection copies memory that a process shares with its template. With `'lean'`, it is done even if it frees little. */
const GROWTH_TO_REDUCE: Readonly<Record<MemoryPolicy, number | undefined>> = {
  lean: 1 / 8,
  balanced: 1 / 2,
  fast: undefined,
}
/** If the user has set one of these flags, this package does not change V8's heap. */
const OF_USERS =
  /^--(no-)?((min-|max-|initial-)?semi-space-|heap-growing-percent|initial-heap-size|optimize-for-size|lite-mode)/

let current = DEFAULT_MEMORY_POLICY
/** The policy whose flags V8 has. */
let applied: MemoryPolicy = 'fast'

/** Sets the policy of this process, and of all forks of it. */
export function setMemoryPolicy(policy: MemoryPolicy): void {
  current = policy
  if (applied === policy || hasFlagsOfUser()) return
  for (const flag of [...(applied === 'fast' ? [] : DEFAULTS), ...FLAGS[policy]]) setFlagsFromString(flag)
  applied = policy
}

export function memoryPolicy(): MemoryPolicy {
  return current
}

/**
 * Returns by which part of its size, at least, the heap of a process that serves calls has grown when the process gives
 * memory back because it is idle. `undefined`: it keeps its memory.
 */
export function growthToReduce(): number | undefined {
  return GROWTH_TO_REDUCE[current]
}

function hasFlagsOfUser(): boolean {
  const words = [...splitNodeOptions(process.env['NODE_OPTIONS'] ?? ''), ...process.execArgv]
  return words.some(word => OF_USERS.test(flagName(word)))
}
