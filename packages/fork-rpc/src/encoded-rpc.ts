import type { ForkProcess, ModuleSpecifier } from '@anyfork/fork'
import { resolveSpecifier } from '@anyfork/fork/internal'
import type { CallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import { Connection } from './caller/connection.js'
import type { RpcOptions } from './options.js'
import { ConnectionHandle, controlOf, type RpcControl } from './rpc.js'
import type { EncodedRequest } from './values/encoded-request.js'

/** A connection for calls whose arguments were encoded before, by a `RequestEncoder` with the same options. */
export interface EncodedRpc {
  readonly control: RpcControl
  /**
   * Calls a function.
   *
   * @param name - the export to call, if the connection is for all exports of a module
   * @param args - the arguments, for subscribers of the tracing channel
   * @param request - the encoded arguments. They belong to the connection from now on
   * @param options - they are not checked
   */
  call(name: string, args: readonly unknown[], request: EncodedRequest, options?: CallOptions): CallPromise
}

/**
 * Opens a connection like `run` or, if the name is `undefined`, like `connect`.
 *
 * @param name - the export to call
 */
export function openEncodedRpc(
  process: ForkProcess,
  module: ModuleSpecifier,
  name: string | undefined,
  options: RpcOptions,
): EncodedRpc {
  const handle = new ConnectionHandle(new Connection(process, resolveSpecifier(module), name, options))
  return {
    control: Object.defineProperties({}, controlOf(handle)) as RpcControl,
    call: (exported, args, request, callOptions) => {
      const { connection } = handle
      return connection.call(name === undefined ? connection.numberOf(exported) : 0, args, callOptions, request)
    },
  }
}
