/** An error of this package. */
export class RpcError extends Error {
  /** Which error it is; the README lists them. */
  readonly code: 'ERR_RPC_CLOSED' | 'ERR_RPC_PROTOCOL'

  constructor(code: RpcError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RpcError'
    this.code = code
  }
}
