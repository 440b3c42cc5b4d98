/** An error of this package. */
export class PoolError extends Error {
  /** Which error it is; the README lists them. */
  readonly code: 'ERR_POOL_CLOSED' | 'ERR_POOL_DESTROYED'

  constructor(code: PoolError['code'], message: string) {
    super(message)
    this.name = 'PoolError'
    this.code = code
  }
}
