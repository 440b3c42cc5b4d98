import type { Descriptor } from '@anyfork/fdpass'
import { checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import { type ForkProcess, type ModuleSpecifier } from '@anyfork/fork'
import { resolveSpecifier } from '@anyfork/fork/internal'
import { type CallOptions, checkCallOptions } from './caller/call-options.js'
import type { CallPromise } from './caller/call-promise.js'
import { Connection } from './caller/connection.js'
import type { RpcOptions } from './options.js'
import { ConnectionHandle, controlOf, type RpcControl } from './rpc.js'
import type { PassedDescriptor } from './values/passed-descriptor.js'

type Fn = (...args: never[]) => unknown

/** A value on its way: descriptors pass by `fd()`, and what can be iterated over may be so in another way. */
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

/** A value as it comes back: what `fd()` made is a `Descriptor`. */
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

/** Objects whose properties may be replaced; not those that are more than that. */
type Plain = { [key: string]: unknown } & { [Symbol.iterator]?: never; [Symbol.asyncIterator]?: never }

/** Whether it is such an object: an interface, which has no index, is one when it has no methods. */
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

/** What a call returns: a promise, and for what is iterated over one that is an async iterable itself. */
export type Returned<R> =
  Awaited<R> extends AsyncIterable<infer V> | Iterator<infer V, unknown, never>
    ? Promise<AsyncIterableIterator<Received<V>>> & AsyncIterable<Received<V>>
    : Awaited<R> extends readonly (infer V)[]
      ? Promise<Received<Awaited<R>>> & AsyncIterable<Received<V>>
      : Promise<Received<Awaited<R>>>

/** A function of another process. */
export interface RemoteFunction<F extends Fn> {
  (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>
  /**
   * The same function, with options for the calls that are made of what is returned.
   *
   * @throws TypeError for options that make no sense
   */
  with(options: CallOptions): (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>
}

/** What `await`, `JSON.stringify` and text of anything ask an object for: where the functions of a module are its properties, these are none of them. */
export type NotRemote = 'then' | 'toJSON' | 'toString' | 'valueOf'

/** The exported functions of a module, to be called in another process. */
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
 * Makes all functions that a module exports callable from here, in one process. Their
 * types come from the module: `connect<typeof import('./worker.js')>(…)`. What
 * else can be done with the connection, `rpcOf` gives.
 *
 * A module that exports `then` cannot be used: to JavaScript it is a promise.
 *
 * @param process - a process that has not run anything; it is used up
 * @param module - a file URL, absolute path or package name
 * @throws TypeError for a relative module, and options that make no sense
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
 * What can be told of a connection, and done with it, apart from its functions.
 *
 * @param remote - what `connect` returned
 * @throws TypeError for anything else
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

/** Whether a property may be a function of a module. */
export function isRemoteName(name: string | symbol): name is string {
  return typeof name === 'string' && !notRemote.has(name)
}

/** Properties of an object whose others are the functions of a module. */
export const likeAnObject: PropertyDescriptorMap = { toString: { value: () => '[object Remote]' } }
