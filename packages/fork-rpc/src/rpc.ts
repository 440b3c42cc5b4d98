import type { ExitStatus, ForkProcess, ModuleSpecifier } from '@anyfork/fork'
import { functionReference } from '@anyfork/fork/internal'
import { type CallOptions, checkCallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import type { Counters } from './caller/channel.js'
import { Connection } from './caller/connection.js'
import type { RpcOptions } from './options.js'

/** Observes and controls a connection. A connection that is no longer referenced is closed by the garbage collector. */
export interface RpcControl extends AsyncDisposable {
  /** The process ID, or undefined until the process has started. */
  readonly pid: number | undefined
  /**
   * Whether the process can be called: false after `close()` or `destroy()`, and as soon as the kernel reports that the
   * process has closed its socket.
   */
  readonly isAlive: boolean
  /**
   * How much is under way: 0 means nothing, 1 means that the high-water mark is reached. At 1 or more, wait for
   * `drained()` before the next call. Calls beyond it are still accepted.
   */
  readonly pressure: number
  /**
   * Waits until `pressure` is below 1. Keeps the program running meanwhile.
   *
   * @returns resolves at once if `pressure` is below 1 already; also resolves when the process has ended. Never rejects
   */
  drained(): Promise<void>
  /** What the connection has done so far; a snapshot. */
  readonly counters: Counters
  /**
   * Waits until the process has loaded the module and can be called. Keeps the program running meanwhile. You need not
   * wait before a call.
   *
   * @returns rejects if the process could not start, load the module, or find the function (`ForkError`), if `init`
   *   threw, and with `ERR_PROCESS_EXITED` if the process ended first
   */
  ready(): Promise<void>
  /**
   * Closes the connection. Pending calls and streams finish first; later calls reject with `ERR_RPC_CLOSED`. Then the
   * process ends. A stream that is neither read nor left delays this. Idempotent.
   *
   * @returns resolves when the process has ended. Never rejects
   */
  close(): Promise<void>
  /**
   * Kills the process with SIGKILL. Pending calls reject with `ERR_PROCESS_EXITED`. Idempotent.
   *
   * @param cause - the `cause` of that error. `@default` what the process has reported
   * @returns resolves when the process has ended
   * @throws rejects with `EPERM` if the process may not be killed, because this program has changed its user: see kill(2).
   *   Then the connection is closed, as by `close()`
   */
  destroy(cause?: unknown): Promise<void>
  /** Resolves with the exit code or the signal when the process has ended. Does not keep the program running. */
  readonly ended: Promise<ExitStatus>
}

/** A function of another process, and the control of its connection. */
export interface Rpc extends RpcControl {
  /**
   * Calls the function.
   *
   * @param args - values that the serialiser can carry, async iterables, iterators, and `fd(handle)`. They are encoded
   *   before this function returns. But a buffer of 64 KiB or more is not copied: do not change it until the call has
   *   settled
   * @returns resolves with the function's result; iterate over it with `for await` if the function returns an iterable.
   *   Rejects with the error that the function threw; with a TypeError that has the path of a value that cannot be sent,
   *   see docs/VALUES.md; with the serialiser's error for other values that it cannot carry or read;
   *   with `ERR_PROCESS_EXITED` if the process ended, with the uncaught error as its `cause`; with `ERR_RPC_PROTOCOL` if
   *   it sent invalid data; with `ERR_RPC_CLOSED` after `close()` or `destroy()`
   */
  (...args: unknown[]): CallPromise
  /**
   * Returns the same function, with options for each call of the returned function.
   *
   * @throws TypeError if an option does not exist or has an invalid value
   */
  with(options: CallOptions): (...args: unknown[]) => CallPromise
}

/**
 * Makes one function callable in a process. Follows AnyEvent::Fork::RPC::run.
 *
 * Without the option `async`, the process runs one call at a time in a blocking loop. This is the smallest and fastest
 * way, but timers and sockets of the process stand still while it waits for the next call.
 *
 * @param process - a process that has not run anything yet. The connection takes it over, unless this function throws
 * @param module - the module that exports the function: a file URL, an absolute path, or a package name. Leave it out
 *   for a global function that `eval` defined
 * @param name - the name of the function. It may return a promise, and an iterable
 * @param options - see `RpcOptions`
 * @throws TypeError if `process` is not a `ForkProcess`, `module` is relative, `name` is not a name, or an option is
 *   invalid
 * @throws the error of a custom serialiser's module if it does not load
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
  const given = isExport ? exportOptions : nameOrOptions
  const options = given === undefined ? {} : given
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

/** Closes connections that are no longer referenced. */
const dropped = new FinalizationRegistry<Connection>(connection => connection.startClosing())

/** Every object given to the user refers to this one. When it is garbage-collected, the connection closes. */
export class ConnectionHandle {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
    dropped.register(this, connection, connection)
    // `onEvent` may refer to this object. Then the registry, which holds the connection, would keep both forever.
    void connection.ended.then(() => dropped.unregister(connection))
  }
}

/** Returns the properties that make an object an `RpcControl`. */
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
    destroy: { value: (cause?: unknown) => handle.connection.destroy(cause) },
    ended: { value: ended },
    [Symbol.asyncDispose]: { value: () => handle.connection.close() },
  }
}
