import { type Expectation, oneOf } from '@anyfork/fdpass/internal'

/**
 * How a process weighs memory against processor time. `'fast'`: as V8 does by itself. `'balanced'`: V8's young generation
 * does not grow, its heap grows less before it is collected, and a process that serves calls gives memory back when it
 * is idle. `'lean'`: V8 also collects garbage more often, and optimizes less code.
 */
export type MemoryPolicy = 'lean' | 'balanced' | 'fast'

export const aMemoryPolicy: Expectation = oneOf('lean', 'balanced', 'fast')

export const DEFAULT_MEMORY_POLICY: MemoryPolicy = 'balanced'
