/**
 * The codes of the errors of a pool:
 *
 * - `'ERR_POOL_CLOSED'`: the pool was closed before the call.
 * - `'ERR_POOL_CPU'`: the call took more processor time than its `cpuMs`, and the worker was killed.
 * - `'ERR_POOL_CRASH_LOOP'`: workers die again and again before they can be called, or retire before their first call.
 *   The last death, if any, is the `cause`.
 * - `'ERR_POOL_DESTROYED'`: the pool was destroyed before the call ended.
 * - `'ERR_POOL_MEMORY'`: the worker had more memory than `memory` while it ran the call, and was killed.
 * - `'ERR_POOL_NO_TEMPLATE'`: another template is needed, and the pool cannot make one, because workers need the
 *   arguments for `init` that were sent to the first.
 * - `'ERR_POOL_QUEUE_FULL'`: as many calls, or bytes of their arguments, are waiting as `maxQueue` allows.
 * - `'ERR_POOL_START_TIMEOUT'`: a worker took longer than `startTimeout` to start.
 * - `'ERR_POOL_TIMEOUT'`: the call took longer than its `timeout`.
 */
export type PoolErrorCode =
  | 'ERR_POOL_CLOSED'
  | 'ERR_POOL_CPU'
  | 'ERR_POOL_CRASH_LOOP'
  | 'ERR_POOL_DESTROYED'
  | 'ERR_POOL_MEMORY'
  | 'ERR_POOL_NO_TEMPLATE'
  | 'ERR_POOL_QUEUE_FULL'
  | 'ERR_POOL_START_TIMEOUT'
  | 'ERR_POOL_TIMEOUT'

/** An error of a pool. The README says what to do about each code. */
export class PoolError extends Error {
  /** The kind of error. */
  readonly code: PoolErrorCode

  constructor(code: PoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PoolError'
    this.code = code
  }
}
