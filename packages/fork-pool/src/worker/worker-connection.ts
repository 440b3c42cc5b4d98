import {
  type CallPromise,
  connect,
  type ForkProcess,
  type ModuleSpecifier,
  ProcessExitedError,
  type RpcControl,
  RpcError,
  type RpcOptions,
  rpcOf,
  run,
} from '@anyfork/fork-rpc'
import { closeDescriptors } from '@anyfork/fork-rpc/internal'
import type { Call } from '../call/call.js'
import { EXIT_OR_REFORK } from '../entry-files.js'
import type { PoolSettings } from '../pool-options.js'
import { RETIRE } from '../retire-event.js'

/** A connection to a worker. */
export interface WorkerConnection {
  readonly control: RpcControl
  call(call: Call): Promise<unknown>
}

/**
 * Makes a forked process serve calls.
 *
 * @param onRetire - called when the worker asks to retire
 */
export type ConnectWorker = (process: ForkProcess, onRetire: () => void) => WorkerConnection

/** A function of a worker. */
interface RemoteFunction {
  (...args: unknown[]): CallPromise
  with(options: AbortOptions): (...args: unknown[]) => CallPromise
}

/** How a call is aborted. A synchronous worker cannot see the signal while it runs a call, so it is killed. */
interface AbortOptions {
  signal: AbortSignal
  killOnAbort: boolean
  awaitAbort: boolean
}

/** The hook that lets a worker be forked before it exits. */
const DONE_HOOK = { module: EXIT_OR_REFORK, name: 'exitOrRefork' }

/** Connects workers that serve one function of a module. */
export function oneFunction(module: ModuleSpecifier, name: string, settings: PoolSettings): ConnectWorker {
  return (process, onRetire) => {
    const rpc = run(process, module, name, rpcOptions(settings, onRetire))
    return { control: rpc, call: call => send(rpc, call, settings) }
  }
}

/** Connects workers that serve all functions of a module. Each call names its function. */
export function allFunctions(module: ModuleSpecifier, settings: PoolSettings): ConnectWorker {
  return (process, onRetire) => {
    const remote = connect<Record<string, () => unknown>>(process, module, rpcOptions(settings, onRetire))
    const functionOf = (name: string): RemoteFunction => remote[name] as unknown as RemoteFunction
    return { control: rpcOf(remote), call: call => send(functionOf(call.name), call, settings) }
  }
}

/** Returns whether a call failed because its worker has died or can no longer be used. */
export function isWorkerLost(error: unknown): error is Error {
  return (
    error instanceof ProcessExitedError ||
    (error instanceof RpcError && (error.code === 'ERR_RPC_PROTOCOL' || error.code === 'ERR_RPC_CLOSED'))
  )
}

function send(callable: RemoteFunction, call: Call, { async: isAsync }: PoolSettings): Promise<unknown> {
  const { workerSignal: signal } = call
  return signal
    ? callable.with({ signal, killOnAbort: !isAsync, awaitAbort: !isAsync })(...call.args)
    : callable(...call.args)
}

function rpcOptions(settings: PoolSettings, onRetire: () => void): RpcOptions {
  const { async, init, serialiser, maxMessageBytes, maxDescriptors, onEvent, refork } = settings
  return {
    async,
    serialiser,
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
    ...(maxDescriptors !== undefined && { maxDescriptors }),
    ...(init !== undefined && { init }),
    ...(refork.length > 0 && { done: DONE_HOOK }),
    onEvent: (...values) => {
      if (values.length === 1 && values[0] === RETIRE) onRetire()
      else if (onEvent) onEvent(...values)
      else closeDescriptors(values)
    },
    onError: () => {}, // the calls and the promise `ended` report errors
  }
}
