import { checkNames, functionReference } from '@anyfork/fork/internal'
import { type ModuleSpecifier, type Returned, type Sent } from '@anyfork/fork-rpc'
import type { WorkerFigures } from './call/statistics.js'
import { type CallOptions, type CallSettings, callSettings } from './call-options.js'
import { Lifecycle } from './lifecycle.js'
import { type PoolOptions, type PoolSettings, settingsOf } from './pool-options.js'
import type { PoolStats } from './pool-stats.js'
import { checkTemplate, type TemplateSource, Templates } from './worker/templates.js'
import { oneFunction } from './worker/worker-connection.js'

/** Any function that a worker may export. */
export type AnyFunction = (...args: never[]) => unknown

/** Calls a function of a worker. */
export type PoolCall<F extends AnyFunction> = (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>

/** What one can do with a pool beside calling it. */
export interface PoolControl extends AsyncDisposable {
  /** The workers that may be given calls, or have some. */
  readonly workers: WorkerFigures[]
  /** Counts, times and memory; see `PoolStats`. */
  stats(): Promise<PoolStats>
  /** Resolves when no call waits for a worker, and another would not be refused. */
  drained(): Promise<void>
  /**
   * Makes a new template, from the files as they are now, and replaces all workers one
   * after the other; calls go on meanwhile and none is lost.
   *
   * @returns resolves when the last worker of before has finished its calls and ended.
   *   Rejects with what went wrong with the new template; then all is as before
   */
  reload(): Promise<void>
  /**
   * Lets all calls so far finish, then ends workers and template; resolves when they have
   * ended. Idempotent. A worker that takes longer than two seconds to end, once it has no
   * call, is killed.
   *
   * @param options - `timeout`: after so many milliseconds, `destroy`: what is not finished by
   *   then rejects with `ERR_POOL_DESTROYED`
   * @throws TypeError for options that make no sense
   */
  close(options?: { timeout?: number }): Promise<void>
  /** Kills the workers; all calls reject with `ERR_POOL_DESTROYED`. Resolves when workers and templates have ended. Idempotent. */
  destroy(): Promise<void>
}

/** A function in a pool, to be called. */
export interface PoolFunction<F extends AnyFunction> {
  /**
   * Calls it in a worker; first come, first served.
   *
   * @returns what it returned; a promise that can be iterated over, where that is to be
   *   iterated over. Rejects with what it threw; with `ERR_PROCESS_EXITED` when its worker
   *   died of it; with what went wrong when no worker can be made; with
   *   `ERR_POOL_QUEUE_FULL`, `ERR_POOL_TIMEOUT`, `ERR_POOL_CLOSED`, `ERR_POOL_DESTROYED`
   */
  (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>
  /**
   * The same function, for calls with options.
   *
   * @throws TypeError for what makes no sense
   */
  with(options: CallOptions): PoolCall<F>
}

/** A function in a pool of processes. */
export interface ForkPool<F extends AnyFunction = (...args: unknown[]) => unknown>
  extends PoolFunction<F>,
    PoolControl {}

/**
 * Puts a function of a module into a pool of processes, all forked from one. They are
 * started as calls come; one that dies is replaced, and only the call that it was running
 * rejects. Follows AnyEvent::Fork::Pool.
 *
 * @param template - a process that has not run anything, for instance from
 *   `ForkProcess.create()`, or a function that makes one; the pool owns it from now on.
 *   What it has loaded, the workers share. A function is called again when another is
 *   needed, by `reload` or because it has died; without one, that is a fresh interpreter
 *   with just the module
 * @param module - where the function is exported: a file URL, absolute path or package name
 * @param name - of the function; it may return a promise
 * @throws TypeError for a relative module, an empty name, and options that make no sense
 */
export function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(
  template: TemplateSource,
  module: ModuleSpecifier,
  name: string,
  options: PoolOptions = {},
): ForkPool<F> {
  checkTemplate(template)
  functionReference(module, name)
  const settings = settingsOf(options)
  const life = new Lifecycle(
    new Templates(template, module, settings.init !== undefined),
    settings,
    oneFunction(module, name, settings),
  )
  return Object.defineProperties(pooledFunction(life, '', settings), controlOf(life)) as unknown as ForkPool<F>
}

/** A function that calls one of the pool, by its name where there are several. */
export function pooledFunction(
  life: Lifecycle,
  name: string,
  { retries, timeout, isolate }: PoolSettings,
): PoolFunction<AnyFunction> {
  const defaults: CallSettings = { priority: 0, retries, ...(timeout !== undefined && { timeout }) }
  const make =
    (options: CallSettings) =>
    (...args: unknown[]) =>
      life.call(name, args, options)
  return Object.assign(make(defaults), {
    with: (options: CallOptions) => make(callSettings(options, defaults, isolate)),
  }) as unknown as PoolFunction<AnyFunction>
}

/** The properties that make an object a `PoolControl`. */
export function controlOf(life: Lifecycle): PropertyDescriptorMap {
  return {
    workers: { get: () => life.workers },
    stats: { value: () => life.stats() },
    drained: { value: () => life.drained() },
    reload: { value: () => life.reload() },
    close: { value: (options: { timeout?: number } = {}) => close(life, options) },
    destroy: { value: () => life.destroy() },
    [Symbol.asyncDispose]: { value: () => life.close() },
  }
}

const closeNames = new Set(['timeout'])

function close(life: Lifecycle, options: { timeout?: number }): Promise<void> {
  checkNames('close()', options, closeNames)
  return life.close(options.timeout)
}
