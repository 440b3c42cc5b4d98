/** What is special about an error of this package; the README lists the codes. */
export type PoolErrorCode =
  | 'ERR_POOL_CLOSED'
  | 'ERR_POOL_CRASH_LOOP'
  | 'ERR_POOL_DESTROYED'
  | 'ERR_POOL_NO_TEMPLATE'
  | 'ERR_POOL_QUEUE_FULL'
  | 'ERR_POOL_START_TIMEOUT'
  | 'ERR_POOL_TIMEOUT'

/** An error of this package. */
export class PoolError extends Error {
  /** Which error it is. */
  readonly code: PoolErrorCode

  constructor(code: PoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PoolError'
    this.code = code
  }
}
