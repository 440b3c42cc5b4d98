import { resolveSpecifier, type ExitStatus, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork'
import { Client } from './client.js'
import type { SerialiserName } from './serialiser.js'

export interface RpcOptions {
  /** How values become octets; default `'cbor'`. */
  serialiser?: SerialiserName
  /**
   * false: one call at a time, in order, by a blocking loop; the default. true: calls
   * start as they come, on the event loop of the process, and end in any order.
   */
  async?: boolean
  /**
   * Name of a function of the module that is called first, with what was sent to the
   * process by `sendArg` and `sendFd`; it may return a promise, and cannot send events.
   */
  init?: string
  /** Name of a function of the module that is called at the end, instead of ending the process. */
  done?: string
  /** Gets the values of every `event` of the child, in order with the results; and `'error'` with the error, where there is no `onError`. */
  onEvent?: (...values: unknown[]) => void
  /**
   * Called once when the process could not serve or has ended unasked. Without it and
   * without `onEvent`, this is an uncaught error, unless a call or `ready()` rejects with it.
   */
  onError?: (error: Error) => void
  /** Called once when the process has ended as it was asked to. */
  onDestroy?: () => void
}

/** A function in another process. */
export interface Rpc extends AsyncDisposable {
  /**
   * Calls it.
   *
   * @returns what it returned. Rejects with what it threw, with a TypeError for
   *   arguments that cannot be sent, with `ERR_PROCESS_EXITED` when its process is
   *   gone, and with `ERR_RPC_CLOSED` after `close` and `destroy`
   */
  (...args: unknown[]): Promise<unknown>
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
  const call = (...args: unknown[]): Promise<unknown> => client.call(args)
  const methods = {
    ready: () => client.ready(),
    close: () => client.close(),
    destroy: () => client.destroy(),
    ended: client.ended,
    [Symbol.asyncDispose]: () => client.close(),
  }
  const properties = { pid: { get: () => process.pid }, isAlive: { get: () => client.isAlive } }
  return Object.defineProperties(Object.assign(call, methods), properties) as unknown as Rpc
}
