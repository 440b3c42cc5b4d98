import { aFunction, anAbortSignal, anything, checkOptions, type Expectations } from '@anyfork/fdpass/internal'
import { checkRestrictions } from '@anyfork/fork/internal'
import type { Restrictions } from '@anyfork/fork-rpc'
import { aCount, aDurationOrInfinity, aPositiveNumber, checkLimits } from './expectations.js'
import { bindSafely, type WorkerEventListener } from './pool-options.js'

/** Options of one call, for `with()`. An option that is `undefined` counts as left out. */
export interface CallOptions {
  /**
   * Aborts the call, which rejects with the signal's reason. A waiting call leaves the queue. A running call ends with
   * its worker: the pool kills a synchronous worker; an `async` worker sees the abort in `callSignal()`, gets no more
   * calls, and ends when it has completed the others. After the call has resolved with a stream, the signal ends that.
   *
   * @default none
   */
  signal?: AbortSignal
  /**
   * The maximum running time, in milliseconds, 0 to 2^31 - 1, or `Infinity`. The time that the call waits for a worker
   * does not count. A call that exceeds it rejects with `ERR_POOL_TIMEOUT` and ends like an aborted one. If the
   * function yields values, only the time until it begins to yield counts; use `signal` to limit the stream.
   *
   * @default the option `timeout` of the pool
   */
  timeout?: number
  /**
   * The maximum processor time that the worker uses during the call, in milliseconds: a positive number, or `Infinity`.
   * All threads of the worker count. So do the other calls that an `async` worker runs at the same time: use
   * `load: 1` to limit each call alone. A call that exceeds it rejects with `ERR_POOL_CPU`, is not repeated, and its
   * worker is killed. If the call resolves with a stream, the time until its end counts, and the stream rejects with
   * `ERR_PROCESS_EXITED`, whose `cause` is that error. Linux only.
   *
   * @default the option `cpuMs` of the pool
   */
  cpuMs?: number
  /**
   * The priority, any number but NaN. Waiting calls with a higher priority begin first.
   *
   * @default 0
   */
  priority?: number
  /**
   * A key for affinity ("sticky" calls), compared like the key of a Map. Calls with equal keys go to the same worker as
   * long as it accepts calls. When that worker is replaced, the next call goes to another one, and may overlap with
   * calls that the old worker still runs. Not for pools with `isolate`.
   *
   * @default none: any worker
   */
  key?: unknown
  /**
   * How often the call is repeated if its worker dies while it runs: an integer from 0, or `Infinity`. The function may
   * then run more than once. Calls that have passed a descriptor, or whose stream has begun, are not repeated.
   *
   * @default the option `retries` of the pool
   */
  retries?: number
  /**
   * Limits what the call's process may use and do. Only for pools with `isolate`. See `restrict()` of `ForkProcess`.
   *
   * @default none, apart from the option `restrict` of the pool
   */
  restrict?: Restrictions
  /**
   * Receives the values of each `event()` of the call, and of the stream that it returns, instead of the option `onEvent`
   * of the pool; `this.pid` is the worker's process id. Unless the pool is `async`, the events of a call are all those
   * that its worker sends while it runs.
   *
   * @default the option `onEvent` of the pool
   */
  onEvent?: WorkerEventListener
}

/** All call options, with the pool's defaults. Every object has all properties, so that calls see one hidden class. */
export interface CallSettings {
  readonly signal: AbortSignal | undefined
  readonly timeout: number | undefined
  readonly cpuMs: number | undefined
  readonly priority: number
  readonly key: unknown
  readonly retries: number
  readonly restrict: Restrictions | undefined
  /** In the asynchronous context in which it was given. */
  readonly onEvent: WorkerEventListener | undefined
}

const expectations: Expectations<CallOptions> = {
  signal: anAbortSignal,
  timeout: aDurationOrInfinity,
  cpuMs: aPositiveNumber,
  priority: { test: value => typeof value === 'number' && !Number.isNaN(value), text: 'a number other than NaN' },
  key: anything,
  retries: aCount(0),
  restrict: anything, // checkRestrictions checks it
  onEvent: aFunction,
}

/**
 * Checks the options of a call, and fills in the defaults.
 *
 * @throws TypeError for an unknown option, an invalid value, or an option that the pool does not support
 */
export function callSettings(options: CallOptions, defaults: CallSettings, isIsolated: boolean): CallSettings {
  checkOptions('with()', options, expectations)
  const {
    signal,
    timeout = defaults.timeout,
    cpuMs = defaults.cpuMs,
    priority = defaults.priority,
    key,
    retries = defaults.retries,
    restrict,
    onEvent,
  } = options
  if (key !== undefined && isIsolated)
    throw new TypeError('option key of with() needs a pool without isolate: an isolated worker has only one call')
  if (restrict !== undefined) {
    if (!isIsolated)
      throw new TypeError('option restrict of with() needs a pool with isolate, where each call has its own process')
    checkRestrictions(restrict)
  }
  checkLimits('with()', { cpuMs })
  return { signal, timeout, cpuMs, priority, key, retries, restrict, onEvent: onEvent && bindSafely(onEvent) }
}
