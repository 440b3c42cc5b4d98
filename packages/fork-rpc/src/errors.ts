/** What is special about an error of this package; the README lists the codes. */
export type RpcErrorCode = 'ERR_CALL_TIMEOUT' | 'ERR_RPC_CLOSED' | 'ERR_RPC_PROTOCOL'

/** An error of this package. */
export class RpcError extends Error {
  /** Which error it is. */
  readonly code: RpcErrorCode

  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RpcError'
    this.code = code
  }
}
