import { ProcessExitedError, RpcError } from '@anyfork/fork-rpc'

/** Whether a call failed because its process is of no use any more. */
export function isWorkerLost(error: unknown): error is Error {
  return (
    error instanceof ProcessExitedError ||
    (error instanceof RpcError && (error.code === 'ERR_RPC_PROTOCOL' || error.code === 'ERR_RPC_CLOSED'))
  )
}
