import { type ModuleSpecifier, type NotRemote } from '@anyfork/fork-rpc'
import { isRemoteName, likeAnObject } from '@anyfork/fork-rpc/internal'
import { Lifecycle } from './lifecycle.js'
import { type AnyFunction, controlOf, type PoolControl, type PoolFunction, pooledFunction } from './pool.js'
import { type PoolOptions, settingsOf } from './pool-options.js'
import { checkTemplate, type TemplateSource, Templates } from './worker/templates.js'
import { allFunctions } from './worker/worker-connection.js'

/** The exported functions of a module, to be called in a pool. */
export type PooledModule<M> = {
  readonly [K in keyof M as K extends NotRemote
    ? never
    : M[K] extends AnyFunction
      ? K
      : never]: M[K] extends AnyFunction ? PoolFunction<M[K]> : never
} & AsyncDisposable

const controls = new WeakMap<object, PoolControl>()

/**
 * The same as `pool` for all functions that a module exports, in the same workers. Their
 * types come from the module: `connectPool<typeof import('./worker/worker.js')>(…)`. What else can
 * be done with the pool, `poolOf` gives. A module that exports `then` cannot be used: to
 * JavaScript it is a promise.
 *
 * @param template - as for `pool`
 * @param module - a file URL, absolute path or package name
 * @throws TypeError for a relative module, and options that make no sense
 */
export function connectPool<M extends object>(
  template: TemplateSource,
  module: ModuleSpecifier,
  options: PoolOptions = {},
): PooledModule<M> {
  checkTemplate(template)
  const settings = settingsOf(options)
  const life = new Lifecycle(
    new Templates(template, module, settings.init !== undefined),
    settings,
    allFunctions(module, settings),
  )
  const control = Object.defineProperties({}, controlOf(life)) as PoolControl
  const functions = Object.create(null, {
    [Symbol.asyncDispose]: { value: () => life.close() },
    ...likeAnObject,
  }) as Record<string | symbol, unknown>
  const pooled = new Proxy(functions, {
    get: (known, name) =>
      name in known || !isRemoteName(name) ? known[name] : (known[name] = pooledFunction(life, name, settings)),
    set: () => false,
    defineProperty: () => false,
  })
  controls.set(pooled, control)
  return pooled as PooledModule<M>
}

/**
 * What can be told of a pool, and done with it, apart from its functions.
 *
 * @param pooled - what `connectPool` returned
 * @throws TypeError for anything else
 */
export function poolOf(pooled: object): PoolControl {
  const control = controls.get(pooled)
  if (!control) throw new TypeError('expected what connectPool() returned')
  return control
}
