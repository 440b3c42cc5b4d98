/**
 * The codes of `RpcError`. The README lists what each one means and what to do:
 *
 * - `ERR_CALL_TIMEOUT`: the call was not answered within its `timeout`.
 * - `ERR_RPC_CLOSED`: the call came after `close()` or `destroy()`, or in a fork of the process that owns the
 *   connection.
 * - `ERR_RPC_PROTOCOL`: the process sent invalid data and was killed, or got invalid data and exited.
 */
export type RpcErrorCode = 'ERR_CALL_TIMEOUT' | 'ERR_RPC_CLOSED' | 'ERR_RPC_PROTOCOL'

/**
 * An error of this package. Other errors come from the called function, from the serialiser, or, with codes such as
 * `ERR_PROCESS_EXITED`, from `@anyfork/fork`.
 */
export class RpcError extends Error {
  /** The kind of error. */
  readonly code: RpcErrorCode

  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RpcError'
    this.code = code
  }
}
