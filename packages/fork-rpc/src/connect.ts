import type { Descriptor } from '@anyfork/fdpass'
import { checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import type { ForkProcess, ModuleSpecifier } from '@anyfork/fork'
import { resolveSpecifier } from '@anyfork/fork/internal'
import { type CallOptions, checkCallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import { Connection } from './caller/connection.js'
import type { RpcOptions } from './options.js'
import { ConnectionHandle, controlOf, type RpcControl } from './rpc.js'
import type { PassedDescriptor } from './values/passed-descriptor.js'

type Fn = (...args: never[]) => unknown

/**
 * The type of an argument on its way to the process. A `Descriptor` is passed as `fd(descriptor)`, and an async
 * iterable may also be an iterator.
 */
export type Sent<T> = T extends Descriptor
  ? PassedDescriptor
  : T extends AsyncIterable<infer V>
    ? AsyncIterable<Sent<V>> | IterableIterator<Sent<V>>
    : T extends (infer V)[]
      ? number extends T['length']
        ? Sent<V>[]
        : { [K in keyof T]: Sent<T[K]> }
      : T extends readonly unknown[]
        ? { [K in keyof T]: Sent<T[K]> }
        : IsPlain<T> extends true
          ? { [K in keyof T]: Sent<T[K]> }
          : T

/** The type of a value that comes back. A descriptor passed by `fd()` arrives as a `Descriptor`. */
export type Received<T> = T extends PassedDescriptor
  ? Descriptor
  : T extends (infer V)[]
    ? number extends T['length']
      ? Received<V>[]
      : { [K in keyof T]: Received<T[K]> }
    : T extends readonly unknown[]
      ? { [K in keyof T]: Received<T[K]> }
      : IsPlain<T> extends true
        ? { [K in keyof T]: Received<T[K]> }
        : T

/** An object whose properties can be mapped one by one, and that has no other behaviour. */
type Plain = { [key: string]: unknown } & { [Symbol.iterator]?: never; [Symbol.asyncIterator]?: never }

/**
 * Reports whether a type is such an object. An interface, which has no index signature, is one if it has no methods.
 */
type IsPlain<T> = T extends Plain
  ? true
  : T extends Error
    ? false
    : T extends object
      ? [keyof T] extends [never]
        ? false
        : [Extract<T[keyof T], Fn>] extends [never]
          ? true
          : false
      : false

/**
 * The type that a call returns: a promise of the result. If the result can be iterated over, the promise is also an
 * async iterable of its values.
 */
export type Returned<R> =
  Awaited<R> extends AsyncIterable<infer V> | Iterator<infer V, unknown, never>
    ? Promise<AsyncIterableIterator<Received<V>>> & AsyncIterable<Received<V>>
    : Awaited<R> extends readonly (infer V)[]
      ? Promise<Received<Awaited<R>>> & AsyncIterable<Received<V>>
      : Promise<Received<Awaited<R>>>

/** A function of another process. */
export interface RemoteFunction<F extends Fn> {
  /** Calls the function; see `Rpc`. */
  (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>
  /**
   * Returns the same function, with options for each call of the returned function.
   *
   * @throws TypeError if an option does not exist or has an invalid value
   */
  with(options: CallOptions): (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>
}

/**
 * Properties that `await`, `JSON.stringify`, and string conversion read from any object. On an object whose properties
 * are a module's functions, they never name a function.
 */
export type NotRemote = 'then' | 'toJSON' | 'toString' | 'valueOf'

/**
 * The functions that a module exports, callable in another process. `rpcOf(remote)` controls the connection. A
 * declaration with `await using` closes it.
 */
export type Remote<M> = {
  readonly [K in keyof M as K extends NotRemote ? never : M[K] extends Fn ? K : never]: M[K] extends Fn
    ? RemoteFunction<M[K]>
    : never
} & AsyncDisposable

const controls = new WeakMap<object, RpcControl>()
const aRemote: Expectation = {
  test: value => controls.has(value as object),
  text: 'an object that connect() returned',
}

/**
 * Makes every function that a module exports callable in one process. The type parameter is the type of the module:
 * `connect<typeof import('./worker.js')>(…)`. `rpcOf` returns the control of the connection.
 *
 * The process looks up each function when it is first used: calls of a missing export reject with
 * `ERR_EXPORT_NOT_FOUND`. An export named `then`, `toJSON`, `toString`, or `valueOf` cannot be called; use `run` for
 * it.
 *
 * @param process - a process that has not run anything yet. The connection takes it over, unless this function throws
 * @param module - a file URL, an absolute path, or a package name. The process loads it
 * @param options - see `RpcOptions`
 * @returns an object whose properties are the functions
 * @throws TypeError if `process` is not a `ForkProcess`, `module` is relative, or an option is invalid
 * @throws the error of a custom serialiser's module if it does not load
 */
export function connect<M extends object>(
  process: ForkProcess,
  module: ModuleSpecifier,
  options: RpcOptions = {},
): Remote<M> {
  const handle = new ConnectionHandle(new Connection(process, resolveSpecifier(module), undefined, options))
  const control = Object.defineProperties({}, controlOf(handle)) as RpcControl
  const functions = Object.create(null, { [Symbol.asyncDispose]: { value: control.close }, ...likeAnObject }) as Record<
    string | symbol,
    unknown
  >
  const remote = new Proxy(functions, {
    get: (known, name) =>
      name in known || !isRemoteName(name) ? known[name] : (known[name] = remoteFunction(handle, name)),
    set: () => false,
    defineProperty: () => false,
  })
  controls.set(remote, control)
  return remote as Remote<M>
}

/**
 * Returns the control of a connection: `close()`, `destroy()`, `pressure`, and so on.
 *
 * @param remote - an object that `connect` returned
 * @throws TypeError if it is not
 */
export function rpcOf(remote: object): RpcControl {
  checkArgument('remote', remote, aRemote)
  return controls.get(remote)!
}

function remoteFunction(handle: ConnectionHandle, name: string): object {
  const { connection } = handle
  const number = connection.numberOf(name)
  const call = (...args: unknown[]): CallPromise => handle.connection.call(number, args)
  const bound = (options: CallOptions): ((...args: unknown[]) => CallPromise) => {
    checkCallOptions(options)
    return (...args) => handle.connection.call(number, args, options)
  }
  return Object.assign(call, { with: bound })
}

const notRemote: ReadonlySet<string | symbol> = new Set<NotRemote>(['then', 'toJSON', 'toString', 'valueOf'])

/** Reports whether a property may name a function of a module. */
export function isRemoteName(name: string | symbol): name is string {
  return typeof name === 'string' && !notRemote.has(name)
}

/** The properties that an object needs besides the functions of a module. */
export const likeAnObject: PropertyDescriptorMap = { toString: { value: () => '[object Remote]' } }
