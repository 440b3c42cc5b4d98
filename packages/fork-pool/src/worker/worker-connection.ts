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

/** A function of a worker. */
interface Callable {
  (...args: unknown[]): CallPromise
  with(options: AbortOptions): (...args: unknown[]) => CallPromise
}

/** How a call is given up: a synchronous worker has it until it is done with it, or is killed. */
interface AbortOptions {
  signal: AbortSignal
  killOnAbort: boolean
  untilOver: boolean
}

/** How a worker is spoken to. */
export interface WorkerConnection {
  readonly control: RpcControl
  call(call: Call): Promise<unknown>
}

/**
 * Makes a forked process serve calls.
 *
 * @param onRetire - called when it wants no more
 */
export type ConnectWorker = (process: ForkProcess, onRetire: () => void) => WorkerConnection

/** What a worker does at its end, where it may be copied then. */
const EXIT_HOOK = { module: EXIT_OR_REFORK, name: 'exitOrRefork' }

/** One function of a module. */
export function oneFunction(module: ModuleSpecifier, name: string, settings: PoolSettings): ConnectWorker {
  return (process, onRetire) => {
    const rpc = run(process, module, name, rpcOptions(settings, onRetire))
    return { control: rpc, call: call => send(rpc, call, settings) }
  }
}

/** All functions of a module; calls say which. */
export function allFunctions(module: ModuleSpecifier, settings: PoolSettings): ConnectWorker {
  return (process, onRetire) => {
    const remote = connect<Record<string, () => unknown>>(process, module, rpcOptions(settings, onRetire))
    return { control: rpcOf(remote), call: call => send(remote[call.name] as unknown as Callable, call, settings) }
  }
}

function send(callable: Callable, call: Call, { async: isAsync }: PoolSettings): Promise<unknown> {
  const { abandoned: signal } = call
  return signal
    ? callable.with({ signal, killOnAbort: !isAsync, untilOver: !isAsync })(...call.args)
    : callable(...call.args)
}

function rpcOptions({ async, init, serialiser, onEvent, refork }: PoolSettings, onRetire: () => void): RpcOptions {
  return {
    async,
    serialiser,
    ...(init !== undefined && { init }),
    ...(refork.length > 0 && { done: EXIT_HOOK }),
    onEvent: (...values) => {
      if (values.length === 1 && values[0] === RETIRE) onRetire()
      else if (onEvent) onEvent(...values)
      else closeDescriptors(values)
    },
    onError: () => {}, // its calls and `ended` tell
  }
}

/** Whether a call failed because its process is of no use any more. */
export function isWorkerLost(error: unknown): error is Error {
  return (
    error instanceof ProcessExitedError ||
    (error instanceof RpcError && (error.code === 'ERR_RPC_PROTOCOL' || error.code === 'ERR_RPC_CLOSED'))
  )
}
