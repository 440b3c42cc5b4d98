import {
  type CallOptions,
  type ForkProcess,
  type ModuleSpecifier,
  ProcessExitedError,
  type RpcControl,
  RpcError,
  type RpcOptions,
} from '@anyfork/fork-rpc'
import { closeDescriptors, type EncodedRequest, openEncodedRpc, type SentAhead } from '@anyfork/fork-rpc/internal'
import type { Call } from '../call/call.js'
import { EXIT_OR_REFORK } from '../entry-files.js'
import type { PoolSettings, WorkerEventListener } from '../pool-options.js'
import { RETIRE } from '../retire-event.js'

/** A connection to a worker. */
export interface WorkerConnection {
  readonly control: RpcControl
  /** @param request - the captured arguments of the call. They belong to the connection from now on */
  call(call: Call, request: EncodedRequest): Promise<unknown>
  /** Whether `callAhead` may be called now. */
  readonly canSendAhead: boolean
  /** A number that changes whenever the worker begins a call. */
  readonly begun: number
  /** A number that changes whenever the worker has run a call that was not short. */
  readonly longCalls: number
  /** @param request - without attachments */
  callAhead(call: Call, request: EncodedRequest): SentAhead
}

/** What a connection reports. */
export interface WorkerConnectionListener {
  /** The worker has started. It begins a call that it got before. */
  onReady(): void
  /** The worker asks to retire. */
  onRetire(): void
  /** The worker has ended without having been asked to. Its calls reject next. */
  onDeath(error: Error): void
}

/** Makes a forked process serve calls. */
export type ConnectWorker = (process: ForkProcess, listener: WorkerConnectionListener) => WorkerConnection

/** The hook that lets a worker be forked before it exits. */
const DONE_HOOK = { module: EXIT_OR_REFORK, name: 'exitOrRefork' }

/**
 * Connects workers.
 *
 * @param name - the function that they serve. If it is `undefined`, they serve all functions of the module, and each
 *   call names its function
 */
export function connectTo(module: ModuleSpecifier, name: string | undefined, settings: PoolSettings): ConnectWorker {
  const isSync = !settings.async
  return (process, { onReady, onRetire, onDeath }) => {
    const listen = eventDispatcher(process, onRetire)
    const options = { ...rpcOptions(module, settings, listen), onError: onDeath }
    const rpc = openEncodedRpc(process, module, name, options, {
      sendsAhead: settings.sendsAhead,
      hasLoaded: true, // as its template has
      onReady,
    })
    // A synchronous worker cannot see the signal while it runs a call, so it is killed.
    const abortable = (signal: AbortSignal): CallOptions => ({ signal, killOnAbort: isSync, awaitAbort: isSync })
    return {
      control: rpc.control,
      call: (call, request) => {
        const { workerSignal: signal } = call
        const { onEvent } = call.options
        const options = (signal || onEvent) && {
          ...(signal && abortable(signal)),
          ...(onEvent && { onEvent: listen(onEvent) }),
        }
        return rpc.call(call.name, call.args, request, options)
      },
      get canSendAhead() {
        return rpc.canSendAhead
      },
      get begun() {
        return rpc.begun
      },
      get longCalls() {
        return rpc.longCalls
      },
      callAhead: ({ name: exported, workerSignal: signal }, request) =>
        rpc.callAhead(exported, request, signal && abortable(signal)),
    }
  }
}

/** Returns whether a call failed because its worker has died or can no longer be used. */
export function isWorkerLost(error: unknown): error is Error {
  return (
    error instanceof ProcessExitedError ||
    (error instanceof RpcError && (error.code === 'ERR_RPC_PROTOCOL' || error.code === 'ERR_RPC_CLOSED'))
  )
}

/** Returns the function that receives all events of a worker for a listener, and the worker's request to retire. */
type EventDispatcher = (onEvent: WorkerEventListener | undefined) => (...values: unknown[]) => void

function eventDispatcher(process: ForkProcess, onRetire: () => void): EventDispatcher {
  return onEvent =>
    (...values) => {
      if (values.length === 1 && values[0] === RETIRE) onRetire()
      else if (onEvent) onEvent.call({ pid: process.pid! }, ...values)
      else closeDescriptors(values)
    }
}

function rpcOptions(module: ModuleSpecifier, settings: PoolSettings, listen: EventDispatcher): RpcOptions {
  const { async, init, done, serialiser, maxMessageBytes, maxDescriptors, memoryPolicy, onEvent, refork } = settings
  return {
    async,
    serialiser,
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
    ...(maxDescriptors !== undefined && { maxDescriptors }),
    ...(memoryPolicy !== undefined && { memory: memoryPolicy }),
    ...(init !== undefined && { init }),
    ...(done !== undefined && { done: { module, name: done, exits: true } }),
    ...(refork.length > 0 && { done: DONE_HOOK }),
    onEvent: listen(onEvent),
  }
}
