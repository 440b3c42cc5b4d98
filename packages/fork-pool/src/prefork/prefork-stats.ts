import type { TemplateFigures, WithMemory } from '../pool-stats.js'
import type { ServedCounts } from '../prefork-protocol.js'

/**
 * What a worker does: it is `'starting'`, is `'ready'` to accept connections, is `'draining'`, which means that it only
 * completes its requests, or has `'ended'`.
 */
export type PreforkWorkerState = 'starting' | 'ready' | 'draining' | 'ended'

/** The figures of a worker. */
export interface PreforkWorkerFigures {
  /** The number of its place, from 0 to `workers` - 1. The worker that replaces it has the same number. */
  id: number
  /** Its process id; `undefined` until it is known. */
  pid: number | undefined
  /** What it does. */
  state: PreforkWorkerState
  /** How it was made: by fork(2), or as a fresh interpreter. `undefined` until that is known. */
  mode: 'fork' | 'exec' | undefined
  /** How often the server had been reloaded when the worker was started. */
  generation: number
  /** How long ago it was started, in milliseconds. */
  ageMilliseconds: number
  /** Its exit code, once it has ended; `null` if a signal has killed it. */
  exitCode?: number | null
  /** The signal that has killed it. */
  signal?: NodeJS.Signals | null
}

/** What a worker has served. */
export interface WithServed {
  /** Missing if the worker does not answer with counts within a second. */
  served?: ServedCounts
}

/** What a prefork server has done so far, and what it is doing. */
export interface PreforkStats {
  /** The age of the server, in milliseconds. */
  upMilliseconds: number
  /** How many workers have been started so far. */
  started: number
  /** How many workers have died or failed to start. Workers that drained or that the server has killed do not count. */
  died: number
  /** How many workers the server has killed, because they had not drained within their grace period. */
  killed: number
  /** How many reloads have replaced the template. */
  reloads: number
  /** The workers that have not ended. */
  workers: (PreforkWorkerFigures & WithMemory & WithServed)[]
  /** The current template. */
  template: TemplateFigures
}
