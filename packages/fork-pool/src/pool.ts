import { checkOptions, type Expectations } from '@anyfork/fdpass/internal'
import { functionReference, resolveSpecifier } from '@anyfork/fork/internal'
import { ForkProcess, type ModuleSpecifier, type Returned, type Sent } from '@anyfork/fork-rpc'
import type { WorkerFigures } from './call/statistics.js'
import { type CallOptions, type CallSettings, callSettings } from './call-options.js'
import { aDurationOrInfinity } from './expectations.js'
import { Lifecycle } from './lifecycle.js'
import { type PoolOptions, type PoolSettings, poolSettings } from './pool-options.js'
import { collectStats, type PoolStats } from './pool-stats.js'
import './provide-child.js'
import { Scheduler } from './scheduler/scheduler.js'
import { assertCallForRemote, assertForRemote } from './worker/assert-for-remote.js'
import { type TemplateSource, Templates, takeTemplate } from './worker/templates.js'
import { type ConnectWorker, connectTo } from './worker/worker-connection.js'

/** Any function that a worker may export. */
export type AnyFunction = (...args: never[]) => unknown

/** Calls a function in a worker. See `PoolFunction` for the errors with which the promise rejects. */
export type PoolCall<F extends AnyFunction> = (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>

/** The control of a pool: everything except calls. */
export interface PoolControl extends AsyncDisposable {
  /** The figures of each worker that accepts calls or still has some. Workers that are starting are not listed. */
  readonly workers: WorkerFigures[]
  /** Collects counts, times, and the memory of the workers and the template. */
  stats(): Promise<PoolStats>
  /**
   * Waits until the queue is empty. Use it for back pressure.
   *
   * @returns resolves when no call waits for a worker and `maxQueue` would not reject another one; or when the pool
   *   begins to close and no call waits
   */
  drained(): Promise<void>
  /**
   * Makes a new template from the files as they are now, and replaces all workers one after the other. Each worker
   * completes its calls. New calls are accepted all the time, and none is lost. Reloads run one after the other.
   *
   * @returns resolves when the last of the old workers has ended
   * @throws rejects if the new template cannot load the module or its first worker does not start, with that error; the
   *   pool then goes on with the old template
   * @throws rejects with `ERR_POOL_CLOSED` or `ERR_POOL_DESTROYED` if the pool is closing
   * @throws rejects with `ERR_POOL_NO_TEMPLATE` if workers need `init` and the pool was given a process as its template
   */
  reload(): Promise<void>
  /**
   * Rejects new calls with `ERR_POOL_CLOSED`, lets the calls so far end, then ends the workers and the templates. Kills
   * a worker that has not exited two seconds after its last call. Idempotent.
   *
   * @param options - `timeout`: after how many milliseconds to call `destroy()`; 0 to 2^31 - 1, or `Infinity`.
   *   `@default Infinity`
   * @returns resolves when all processes of the pool have ended
   * @throws TypeError for an unknown option or an invalid value
   */
  close(options?: { timeout?: number }): Promise<void>
  /**
   * Kills the workers. All unsettled and new calls reject with `ERR_POOL_DESTROYED`. Idempotent.
   *
   * @returns resolves when all processes of the pool have ended
   */
  destroy(): Promise<void>
  /** Calls `close()`: `await using` closes the pool. */
  [Symbol.asyncDispose](): PromiseLike<void>
}

/** A function that runs in the workers of a pool. */
export interface PoolFunction<F extends AnyFunction> {
  /**
   * Calls the function in a worker. Calls with the same priority begin in the order in which they were made.
   *
   * @param args - the arguments, encoded before this function returns: the worker gets them as they are now. A buffer of
   *   64 KiB or more is not copied: do not change it until the call has settled. A descriptor is passed with `fd(handle)`
   * @returns resolves with the function's result. If the function yields values, the promise is also an async iterable,
   *   and the worker keeps the call until the function has yielded them all or the iteration ends
   * @throws rejects with the error that the function throws
   * @throws rejects with `ERR_PROCESS_EXITED` if the worker dies while it runs the call
   * @throws rejects with a `PoolError`: `ERR_POOL_TIMEOUT`, `ERR_POOL_CPU`, `ERR_POOL_MEMORY`, `ERR_POOL_QUEUE_FULL`,
   *   `ERR_POOL_CLOSED`, `ERR_POOL_DESTROYED`, `ERR_POOL_CRASH_LOOP`, `ERR_POOL_START_TIMEOUT`, or `ERR_POOL_NO_TEMPLATE`
   * @throws rejects with the error of the template or the worker if no worker can be started, such as
   *   `ERR_MODULE_NOT_FOUND`
   * @throws rejects with a TypeError, or the serialiser's error, if an argument cannot be sent; with a RangeError if the
   *   arguments are larger than `maxMessageBytes`. No worker is started then
   */
  (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>
  /**
   * Returns the function with other options: `call.with({ timeout: 100 })(1)`.
   *
   * @param options - replace the pool's defaults
   * @throws TypeError for an unknown option, an invalid value, or an option that the pool does not support: `key` with
   *   `isolate`, or `restrict` without it
   */
  with(options: CallOptions): PoolCall<F>
}

/**
 * A pool of one function: callable, with the pool's control as its properties.
 *
 * @typeParam F - the type of the function
 */
export interface ForkPool<F extends AnyFunction = (...args: unknown[]) => unknown>
  extends PoolFunction<F>,
    PoolControl {}

/**
 * Runs the default export of a module in a pool of worker processes. All are forked from one template that has loaded the
 * module, a fork of the default template, `ForkProcess.create()`. The pool starts workers when calls need them, and
 * replaces a worker that dies; only the calls that it was running reject. Follows AnyEvent::Fork::Pool.
 *
 * @typeParam F - the type of the function
 * @param module - the module that exports the function: a file URL, an absolute path, or a package name, which is looked
 *   up from the folder of the program's main module
 * @param options - the size of the pool and the behaviour of its workers
 * @throws TypeError for an invalid template, a relative module path, an empty name, an unknown option, or an invalid
 *   value
 */
export function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(
  module: ModuleSpecifier,
  options?: PoolOptions,
): ForkPool<F>
/**
 * Runs an exported function in a pool of worker processes, which are forked from a fork of the default template.
 *
 * @typeParam F - the type of the function
 * @param module - the module that exports the function: a file URL, an absolute path, or a package name, which is looked
 *   up from the folder of the program's main module
 * @param name - the name of the exported function; the function may return a promise, or be a generator
 * @param options - the size of the pool and the behaviour of its workers
 * @throws TypeError for an invalid template, a relative module path, an empty name, an unknown option, or an invalid
 *   value
 */
export function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(
  module: ModuleSpecifier,
  name: string,
  options?: PoolOptions,
): ForkPool<F>
/**
 * Runs the default export of a module in a pool of worker processes, which are forked from a template of your own.
 *
 * @typeParam F - the type of the function
 * @param template - a process that has not run a function yet, such as `ForkProcess.create()`, or a function that
 *   creates one. The pool owns it from now on. Workers share the memory of everything that it has loaded. The pool needs
 *   another template for `reload()` or after the template has died: it calls the function again or, if given a
 *   process, starts one with `ForkProcess.templateOptions` that loads only the module
 * @param module - the module that exports the function: a file URL, an absolute path, or a package name, which is looked
 *   up from the folder of the program's main module
 * @param options - the size of the pool and the behaviour of its workers
 * @throws TypeError for an invalid template, a relative module path, an empty name, an unknown option, or an invalid
 *   value
 */
export function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(
  template: TemplateSource,
  module: ModuleSpecifier,
  options?: PoolOptions,
): ForkPool<F>
/**
 * Runs an exported function in a pool of worker processes, which are forked from a template of your own.
 *
 * @typeParam F - the type of the function
 * @param template - a process that has not run a function yet, such as `ForkProcess.create()`, or a function that
 *   creates one. The pool owns it from now on. Workers share the memory of everything that it has loaded. The pool needs
 *   another template for `reload()` or after the template has died: it calls the function again or, if given a
 *   process, starts one with `ForkProcess.templateOptions` that loads only the module
 * @param module - the module that exports the function: a file URL, an absolute path, or a package name, which is looked
 *   up from the folder of the program's main module
 * @param name - the name of the exported function; the function may return a promise, or be a generator
 * @param options - the size of the pool and the behaviour of its workers
 * @throws TypeError for an invalid template, a relative module path, an empty name, an unknown option, or an invalid
 *   value
 */
export function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(
  template: TemplateSource,
  module: ModuleSpecifier,
  name: string,
  options?: PoolOptions,
): ForkPool<F>
export function pool(...args: unknown[]): ForkPool {
  const { template, module, rest } = takeTemplate(args)
  const [name, options = {}] = rest.length < 2 && typeof rest[0] !== 'string' ? ['default', rest[0]] : rest
  resolveSpecifier(module)
  functionReference(module, name)
  const settings = poolSettings('pool()', options as PoolOptions)
  const parts = startPool(template, module, settings, connectTo(module, name as string, settings))
  return Object.defineProperties(poolFunction(parts, ''), controlOf(parts)) as unknown as ForkPool
}

/** The parts of a pool that its public objects refer to. */
export interface PoolParts {
  scheduler: Scheduler
  lifecycle: Lifecycle
  settings: PoolSettings
}

/** @param template - `undefined` for a fork of the default template */
export function startPool(
  template: TemplateSource | undefined,
  module: ModuleSpecifier,
  settings: PoolSettings,
  connect: ConnectWorker,
): PoolParts {
  const templates = new Templates(
    template ?? ForkProcess.create(),
    module,
    template !== undefined && settings.init !== undefined,
  )
  try {
    assertForRemote(templates.current.process, settings)
  } catch (error) {
    void templates.end()
    throw error
  }
  const scheduler = new Scheduler(templates, settings, connect)
  return { scheduler, lifecycle: new Lifecycle(scheduler, settings), settings }
}

/** @param name - the function's name, or '' in a pool of one function */
export function poolFunction({ scheduler, settings }: PoolParts, name: string): PoolFunction<AnyFunction> {
  const { retries, timeout, cpuMs, isolate } = settings
  const defaults: CallSettings = {
    signal: undefined,
    timeout,
    cpuMs,
    priority: 0,
    key: undefined,
    retries,
    restrict: undefined,
    onEvent: undefined,
  }
  const callWith =
    (options: CallSettings) =>
    (...args: unknown[]) =>
      scheduler.call(name, args, options)
  return Object.assign(callWith(defaults), {
    with: (options: CallOptions) => {
      const checked = callSettings(options, defaults, isolate)
      assertCallForRemote(scheduler.workerSet.templates.current.process, options)
      return callWith(checked)
    },
  }) as unknown as PoolFunction<AnyFunction>
}

/** Returns the properties that make an object a `PoolControl`. */
export function controlOf({ scheduler, lifecycle }: PoolParts): PropertyDescriptorMap {
  return {
    workers: { get: () => workersOf(scheduler) },
    stats: { value: () => collectStats(scheduler) },
    drained: { value: () => scheduler.tracker.drained() },
    reload: { value: () => lifecycle.reload() },
    close: { value: (options: CloseOptions = {}) => close(lifecycle, options) },
    destroy: { value: () => lifecycle.destroy() },
    [Symbol.asyncDispose]: { value: () => lifecycle.close() },
  }
}

function workersOf({ workerSet: { all, ready } }: Scheduler): WorkerFigures[] {
  return [...all]
    .filter(worker => ready.has(worker) || (worker.isReady && worker.load > 0))
    .map(worker => worker.figures())
}

/** Options of `close()`. */
interface CloseOptions {
  timeout?: number
}

const closeExpectations: Expectations<CloseOptions> = { timeout: aDurationOrInfinity }

function close(lifecycle: Lifecycle, options: CloseOptions): Promise<void> {
  checkOptions('close()', options, closeExpectations)
  return lifecycle.close(options.timeout)
}
