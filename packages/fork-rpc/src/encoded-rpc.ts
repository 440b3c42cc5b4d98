import type { ForkProcess, ModuleSpecifier } from '@anyfork/fork'
import { isRemote, resolveSpecifier } from '@anyfork/fork/internal'
import type { CallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import { Connection, type ConnectionExtras } from './caller/connection.js'
import type { SentAhead } from './caller/requests.js'
import { SharedPage } from './caller/shared-page.js'
import { isTraced } from './caller/tracing.js'
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
  /** Whether `callAhead` may be called now. */
  readonly canSendAhead: boolean
  /** A number that changes whenever the process begins a call. */
  readonly begun: number
  /** A number that changes whenever the process has run a call that was not short. */
  readonly longCalls: number
  /**
   * Like `call`, for a call that can be taken back until the process begins it.
   *
   * @param request - without attachments
   * @param options - without `onEvent`
   */
  callAhead(name: string, request: EncodedRequest, options?: CallOptions): SentAhead
}

/**
 * Opens a connection like `run` or, if the name is `undefined`, like `connect`.
 *
 * @param name - the export to call
 * @param more - `sendsAhead`: whether calls may be sent ahead; to a process that is not `async`; a remote one shares no
 *   memory, and gets none. The others are as for
 *   `Connection`
 */
export function openEncodedRpc(
  process: ForkProcess,
  module: ModuleSpecifier,
  name: string | undefined,
  options: RpcOptions,
  { sendsAhead = false, ...more }: { sendsAhead?: boolean } & Omit<ConnectionExtras, 'page'> = {},
): EncodedRpc {
  const page = sendsAhead && !isRemote(process) ? SharedPage.make() : undefined
  const extras = { ...more, ...(page && { page }) }
  const handle = new ConnectionHandle(new Connection(process, resolveSpecifier(module), name, options, extras))
  const numberOf = (exported: string): number => (name === undefined ? handle.connection.numberOf(exported) : 0)
  return {
    control: Object.defineProperties({}, controlOf(handle)) as RpcControl,
    call: (exported, args, request, callOptions) =>
      handle.connection.call(numberOf(exported), args, callOptions, request),
    get canSendAhead() {
      return page?.isMapped === true && !isTraced()
    },
    get begun() {
      return page ? page.begun : 0
    },
    get longCalls() {
      return page ? page.longCalls : 0
    },
    callAhead: (exported, request, callOptions) =>
      handle.connection.callAhead(numberOf(exported), request, callOptions),
  }
}
