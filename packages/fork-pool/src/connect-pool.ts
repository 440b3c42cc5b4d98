import { describeValue } from '@anyfork/fdpass/internal'
import { resolveSpecifier } from '@anyfork/fork/internal'
import type { ModuleSpecifier, NotRemote } from '@anyfork/fork-rpc'
import { isRemoteName, likeAnObject } from '@anyfork/fork-rpc/internal'
import { type AnyFunction, controlOf, type PoolControl, type PoolFunction, poolFunction, startPool } from './pool.js'
import { type PoolOptions, poolSettings } from './pool-options.js'
import { type TemplateSource, takeTemplate } from './worker/templates.js'
import { connectTo } from './worker/worker-connection.js'

/** The exported functions of a module, which run in the workers of a pool. */
export type PooledModule<M> = {
  readonly [K in keyof M as K extends NotRemote
    ? never
    : M[K] extends AnyFunction
      ? K
      : never]: M[K] extends AnyFunction ? PoolFunction<M[K]> : never
} & AsyncDisposable

const controls = new WeakMap<object, PoolControl>()

/**
 * Like `pool`, but for all functions that a module exports. They share the workers. The type argument gives their
 * types: `connectPool<typeof import('./worker.js')>(…)`. Use `poolOf` to control the pool. A module that exports
 * `then` cannot be used, because JavaScript would take it for a promise.
 *
 * @param module - a file URL, an absolute path, or a package name
 * @param options - as for `pool`
 * @returns an object with a method for each exported function; `await using` closes the pool
 * @throws TypeError for an invalid template, a relative module path, an unknown option, or an invalid value
 */
export function connectPool<M extends object>(module: ModuleSpecifier, options?: PoolOptions): PooledModule<M>
/**
 * Like `connectPool` without a template, but the workers are forked from a template of your own.
 *
 * @param template - as for `pool`
 * @param module - a file URL, an absolute path, or a package name
 * @param options - as for `pool`
 * @returns an object with a method for each exported function; `await using` closes the pool
 * @throws TypeError for an invalid template, a relative module path, an unknown option, or an invalid value
 */
export function connectPool<M extends object>(
  template: TemplateSource,
  module: ModuleSpecifier,
  options?: PoolOptions,
): PooledModule<M>
export function connectPool(...args: unknown[]): object {
  const { template, module, rest } = takeTemplate(args)
  const [options = {}] = rest
  resolveSpecifier(module)
  const settings = poolSettings('connectPool()', options as PoolOptions)
  const parts = startPool(template, module, settings, connectTo(module, undefined, settings))
  const functions = Object.create(null, {
    [Symbol.asyncDispose]: { value: () => parts.lifecycle.close() },
    ...likeAnObject,
  }) as Record<string | symbol, unknown>
  const pooled = new Proxy(functions, {
    get: (known, name) =>
      name in known || !isRemoteName(name) ? known[name] : (known[name] = poolFunction(parts, name)),
    set: () => false,
    defineProperty: () => false,
  })
  controls.set(pooled, Object.defineProperties({}, controlOf(parts)) as PoolControl)
  return pooled
}

/**
 * Returns the control of a pool: its methods `close`, `destroy`, `reload`, `drained`, and `stats`, and its `workers`.
 *
 * @param pooled - the return value of `connectPool`
 * @throws TypeError if `pooled` is anything else
 */
export function poolOf(pooled: object): PoolControl {
  const control = controls.get(pooled)
  if (!control) throw new TypeError(`pooled must be the return value of connectPool(), not ${describeValue(pooled)}`)
  return control
}
