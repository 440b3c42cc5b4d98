import { type ExitStatus, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork'
import { functionReference } from '@anyfork/fork/internal'
import { type CallOptions, checkCallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import type { Counters } from './caller/channel.js'
import { Connection } from './caller/connection.js'
import type { RpcOptions } from './options.js'

/** What can be told of a connection, and done with it. */
export interface RpcControl extends AsyncDisposable {
  /** The process, once known. */
  readonly pid: number | undefined
  /** Whether it can be called, as far as the kernel knows. */
  readonly isAlive: boolean
  /**
   * How much is under way: 0 is nothing, 1 the high-water mark. From then on, who makes
   * calls in a loop should wait for `drained()`; nothing is refused.
   */
  readonly pressure: number
  /** Resolves when `pressure` is below 1; at once when it is, or when the process has ended. Keeps the program running. */
  drained(): Promise<void>
  /** What the connection has done so far. */
  readonly counters: Counters
  /** Resolves when the process is ready to be called; rejects with what went wrong. */
  ready(): Promise<void>
  /** Lets the calls so far finish and the process end; resolves when it has. Idempotent. */
  close(): Promise<void>
  /** Kills the process; calls under way reject with `ERR_PROCESS_EXITED`. Resolves when it has ended. Idempotent. */
  destroy(): Promise<void>
  /** Resolves when the process has ended, with how. Keeps no program running. */
  readonly ended: Promise<ExitStatus>
}

/** A function in another process. */
export interface Rpc extends RpcControl {
  /**
   * Calls it.
   *
   * @returns what it returned. Rejects with what it threw, with what the serialiser throws
   *   for values that cannot be sent, with `ERR_PROCESS_EXITED` when its process is
   *   gone, and with `ERR_RPC_CLOSED` after `close` and `destroy`
   */
  (...args: unknown[]): CallPromise
  /**
   * The same function, with options for the calls that are made of what is returned.
   *
   * @throws TypeError for options that make no sense
   */
  with(options: CallOptions): (...args: unknown[]) => CallPromise
}

/**
 * Makes a function in a process callable from here. Unless `async`, calls are carried
 * out one at a time by a blocking loop: the smallest and quickest way, but while it
 * waits for the next call, nothing else happens in the process. Follows
 * AnyEvent::Fork::RPC.
 *
 * @param process - a process that has not run anything; it is used up
 * @param module - where the function is exported: a file URL, absolute path or package name. Left out, the
 *   function is a global one that `eval` made
 * @param name - of the function; it may return a promise, and what can be iterated over
 * @throws TypeError for a relative module, and options that make no sense; what a serialiser of your own throws
 *   while it loads. The process is then unused
 */
export function run(process: ForkProcess, module: ModuleSpecifier, name: string, options?: RpcOptions): Rpc
export function run(process: ForkProcess, name: string, options?: RpcOptions): Rpc
export function run(
  process: ForkProcess,
  moduleOrName: ModuleSpecifier,
  nameOrOptions?: string | RpcOptions,
  exportOptions?: RpcOptions,
): Rpc {
  const isExport = typeof nameOrOptions === 'string'
  const options = (isExport ? exportOptions : nameOrOptions) ?? {}
  const { module, name } = isExport
    ? functionReference(moduleOrName, nameOrOptions)
    : functionReference(undefined, moduleOrName)
  const handle = new ConnectionHandle(new Connection(process, module, name, options))
  const call = (...args: unknown[]): CallPromise => handle.connection.call(0, args)
  const bound = (callOptions: CallOptions): ((...args: unknown[]) => CallPromise) => {
    checkCallOptions(callOptions)
    return (...args) => handle.connection.call(0, args, callOptions)
  }
  return Object.defineProperties(Object.assign(call, { with: bound }), controlOf(handle)) as unknown as Rpc
}

/** Lets go of connections that nobody refers to any more, as by `close`. */
const dropped = new FinalizationRegistry<Connection>(connection => connection.startClosing())

/** What all that the user has of a connection refers to. */
export class ConnectionHandle {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
    dropped.register(this, connection, connection)
    // What listens to events may refer to this object; the registry would keep both for ever.
    void connection.ended.then(() => dropped.unregister(connection))
  }
}

/** The properties that make an object an `RpcControl`. */
export function controlOf(handle: ConnectionHandle): PropertyDescriptorMap {
  const { ended } = handle.connection
  return {
    pid: { get: () => handle.connection.pid },
    isAlive: { get: () => handle.connection.isAlive },
    pressure: { get: () => handle.connection.backPressure.value },
    counters: { get: () => handle.connection.counters },
    drained: { value: () => handle.connection.drained() },
    ready: { value: () => handle.connection.ready() },
    close: { value: () => handle.connection.close() },
    destroy: { value: () => handle.connection.destroy() },
    ended: { value: ended },
    [Symbol.asyncDispose]: { value: () => handle.connection.close() },
  }
}
