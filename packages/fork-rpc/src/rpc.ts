import { type ExitStatus, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork'
import { functionReference } from '@anyfork/fork/internal'
import { type CallOptions, checkCallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import { Client } from './caller/connection.js'
import type { Counters } from './caller/counters.js'
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
  const owner = new Owner(new Client(process, module, name, options))
  const call = (...args: unknown[]): CallPromise => owner.client.call(0, args)
  const bound = (callOptions: CallOptions): ((...args: unknown[]) => CallPromise) => {
    checkCallOptions(callOptions)
    return (...args) => owner.client.call(0, args, callOptions)
  }
  return Object.defineProperties(Object.assign(call, { with: bound }), controlOf(owner)) as unknown as Rpc
}

/** Lets go of connections that nobody refers to any more, as by `close`. */
const dropped = new FinalizationRegistry<Client>(client => client.letGo())

/** What all that the user has of a connection refers to. */
export class Owner {
  readonly client: Client

  constructor(client: Client) {
    this.client = client
    dropped.register(this, client, client)
    // What listens to events may refer to this object; the registry would keep both for ever.
    void client.ended.then(() => dropped.unregister(client))
  }
}

/** The properties that make an object an `RpcControl`. */
export function controlOf(owner: Owner): PropertyDescriptorMap {
  const { ended } = owner.client
  return {
    pid: { get: () => owner.client.pid },
    isAlive: { get: () => owner.client.isAlive },
    pressure: { get: () => owner.client.pressure.value },
    counters: { get: () => owner.client.counters },
    drained: { value: () => owner.client.drained() },
    ready: { value: () => owner.client.ready() },
    close: { value: () => owner.client.close() },
    destroy: { value: () => owner.client.destroy() },
    ended: { value: ended },
    [Symbol.asyncDispose]: { value: () => owner.client.close() },
  }
}
