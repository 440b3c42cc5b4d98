import { availableParallelism } from 'node:os'
import type { ForkProcess, ModuleSpecifier } from '@anyfork/fork-rpc'
import { Scheduler } from './scheduler.js'
import type { WorkerFigures } from './worker.js'

export interface PoolOptions {
  /** Most workers at a time; default: how many processors this program may use. */
  max?: number
}

/** A function in a pool of processes. */
export interface ForkPool extends AsyncDisposable {
  /**
   * Calls it in the next worker that is free; first come, first served.
   *
   * @returns what it returned. Rejects with what it threw; with
   *   `ERR_PROCESS_EXITED` when its worker died meanwhile; with what went wrong when
   *   no worker can be made; with `ERR_POOL_CLOSED` after `close`, and
   *   `ERR_POOL_DESTROYED` after `destroy`
   */
  (...args: unknown[]): Promise<unknown>
  /** The workers that are alive. */
  readonly workers: WorkerFigures[]
  /** Lets all calls so far finish, then ends workers and template; resolves when they have ended. Idempotent. */
  close(): Promise<void>
  /** Kills the workers; all calls reject. Resolves when workers and template have ended. Idempotent. */
  destroy(): Promise<void>
}

/**
 * Puts a function of a module into a pool of processes, all forked from one. They
 * are started as calls come; one that dies is replaced, and only the call that it
 * was running rejects. Follows AnyEvent::Fork::Pool.
 *
 * @param template - a process that has not run anything, for instance from
 *   `ForkProcess.create()`; the pool owns it from now on. What it has loaded, the
 *   workers share
 * @param module - where the function is exported: a file URL, absolute path or package name
 * @param name - of the function; it may return a promise
 * @throws TypeError for a relative module, an empty name, or a `max` that is no positive integer
 */
export function pool(template: ForkProcess, module: ModuleSpecifier, name: string, options: PoolOptions = {}): ForkPool {
  const { max = availableParallelism() } = options
  if (!Number.isInteger(max) || max < 1) throw new TypeError(`max is a positive integer, not ${String(max)}`)
  if (typeof name !== 'string' || name === '') throw new TypeError('a function is named by a string')
  const scheduler = new Scheduler(template, module, name, max)
  const call = (...args: unknown[]): Promise<unknown> => scheduler.call(args)
  const methods = {
    close: () => scheduler.close(),
    destroy: () => scheduler.destroy(),
    [Symbol.asyncDispose]: () => scheduler.close(),
  }
  return Object.defineProperty(Object.assign(call, methods), 'workers', { get: () => scheduler.workers }) as unknown as ForkPool
}
