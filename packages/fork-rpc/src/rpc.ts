import { resolveSpecifier, type ExitStatus, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork'
import type { Call } from './call.js'
import { checkCallOptions, type CallOptions } from './call-options.js'
import { Client } from './client.js'
import type { RpcOptions } from './options.js'

/** What can be told of a connection, and done with it. */
export interface RpcControl extends AsyncDisposable {
  /** The process, once known. */
  readonly pid: number | undefined
  /** Whether it can be called, as far as the kernel knows. */
  readonly isAlive: boolean
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
   * @returns what it returned. Rejects with what it threw, with a TypeError for
   *   arguments that cannot be sent, with `ERR_PROCESS_EXITED` when its process is
   *   gone, and with `ERR_RPC_CLOSED` after `close` and `destroy`
   */
  (...args: unknown[]): Call
  /**
   * The same function, with options for the calls that are made of what is returned.
   *
   * @throws TypeError for options that make no sense
   */
  with(options: CallOptions): (...args: unknown[]) => Call
}

/**
 * Makes a function in a process callable from here. Unless `async`, calls are carried
 * out one at a time by a blocking loop: the smallest and quickest way, but while it
 * waits for the next call, nothing else happens in the process. Follows
 * AnyEvent::Fork::RPC.
 *
 * @param process - a process that has not run anything; it is used up
 * @param module - where the function is exported: a file URL, absolute path or package name
 * @param name - of the function; it may return a promise
 * @throws TypeError for a relative module
 */
export function run(process: ForkProcess, module: ModuleSpecifier, name: string, options: RpcOptions = {}): Rpc {
  if (typeof name !== 'string' || name === '') throw new TypeError('a function is named by a string')
  const client = new Client(process, resolveSpecifier(module), name, options)
  const call = (...args: unknown[]): Call => client.call(0, args)
  const bound = (callOptions: CallOptions): ((...args: unknown[]) => Call) => {
    checkCallOptions(callOptions)
    return (...args) => client.call(0, args, callOptions)
  }
  return Object.defineProperties(Object.assign(call, { with: bound }), controlOf(client)) as unknown as Rpc
}

/** The properties that make an object an `RpcControl`. */
export function controlOf(client: Client): PropertyDescriptorMap {
  return {
    pid: { get: () => client.pid },
    isAlive: { get: () => client.isAlive },
    ready: { value: () => client.ready() },
    close: { value: () => client.close() },
    destroy: { value: () => client.destroy() },
    ended: { value: client.ended },
    [Symbol.asyncDispose]: { value: () => client.close() },
  }
}
