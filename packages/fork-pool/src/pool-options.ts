import { AsyncResource } from 'node:async_hooks'
import { callSafely } from '@anyfork/fdpass/internal'
import { checkNames, checkRestrictions } from '@anyfork/fork/internal'
import { type Restrictions, type SerialiserName } from '@anyfork/fork-rpc'
import { checkRpcOptions } from '@anyfork/fork-rpc/internal'
import { type Balancer, leastLoaded } from './balancer.js'
import { checkCount, checkMilliseconds, checkTimeout } from './call-options.js'
import { ncpu } from './ncpu.js'

/** When a worker that does well is replaced nevertheless. */
export interface Recycling {
  /** After so many calls; `jitter` spreads it. */
  calls?: number
  /** By how much less `calls` may be, as a part of it, 0 to 1, so that not all workers go at once; default 0.1. */
  jitter?: number
  /** When its share of memory, PSS, is above so many bytes; looked at every half a second. */
  pss?: number
  /** When it is so many milliseconds old, after its next call. */
  age?: number
}

export interface PoolOptions {
  /** Most workers at a time; default: `ncpu()`. Workers that end do not count, unless `isolate`. */
  max?: number
  /** Least workers without a call that are kept ready, and how many it begins with; default 0. */
  idle?: number
  /** Calls that a worker has at a time; 1, the default, for the lowest latency, more for the highest throughput of short calls. */
  load?: number
  /** How long calls wait, or workers are fewer than `idle`, before one more worker is started, in milliseconds; 0, the default: at once, one for each call. */
  start?: number
  /** One worker without a call, of those above `idle`, ends in every such period of milliseconds; default 10,000. 0: as soon as it has no call; Infinity: never. */
  stop?: number
  /** Longest time that a worker may take to start, in milliseconds; default 30,000. Where none is there and two in a row take longer, calls reject. */
  startTimeout?: number
  /** Processes that are forked ahead, beyond `max`, to become workers at once; default 0. */
  spare?: number
  /** Most calls that wait for a worker; beyond, they reject with `ERR_POOL_QUEUE_FULL`; default Infinity. */
  maxQueue?: number
  /** Each call gets a process of its own, which ends with it; default false. */
  isolate?: boolean
  /** What workers may use and do, as `restrict` of `ForkProcess`. */
  restrict?: Restrictions
  /** When workers are replaced by fresh ones; default: never. */
  recycle?: Recycling
  /**
   * After so many calls a worker becomes the template, with all that it has compiled and
   * cached, and the others are replaced by forks of it, one after the other; then again. A
   * list has a number for each time, the last for all later ones. Below `calls` of
   * `recycle`, less its `jitter`, as no worker has more. Default: never.
   */
  refork?: number | readonly number[]
  /** For calls that do not say: how often they are made again when their worker died; default 0. */
  retries?: number
  /** For calls that do not say: longest time that they may run, or until their stream begins, in milliseconds; default: any. */
  timeout?: number
  /** Which of the workers that have room gets the next call; default: the one that has fewest. */
  balancer?: Balancer
  /** Calls start in a worker as they come, on its event loop, as many as `load` allows; default false: one after the other. */
  async?: boolean
  /** Name of a function of the module that each worker calls first, with what was sent to the template by `sendArg` and `sendFd`. */
  init?: string
  /** How values become octets; default `'cbor'`. */
  serialiser?: SerialiserName | URL
  /** Gets the values of every `event` of a worker. */
  onEvent?: (...values: unknown[]) => void
  /** Gets errors that belong to no call: a worker that died without one, or could not start. Default: none, the pool goes on. */
  onError?: (error: Error) => void
  /** Called once when all processes of the pool have ended, after `close` or `destroy`. */
  onDestroy?: () => void
}

type Optional = 'restrict' | 'timeout' | 'init' | 'onEvent' | 'onError' | 'onDestroy'

/** The options with their defaults. */
export type PoolSettings = Required<Omit<PoolOptions, Optional | 'recycle' | 'refork'>> &
  Pick<PoolOptions, Optional> & { recycle: Required<Recycling>; refork: readonly number[] }

const defaults = {
  idle: 0,
  load: 1,
  start: 0,
  stop: 10_000,
  startTimeout: 30_000,
  spare: 0,
  maxQueue: Infinity,
  isolate: false,
  retries: 0,
  balancer: leastLoaded,
  async: false,
  serialiser: 'cbor' as SerialiserName | URL,
}
const never: Required<Recycling> = { calls: Infinity, jitter: 0.1, pss: Infinity, age: Infinity }
const recyclingNames = new Set(Object.keys(never))
const names = new Set([
  ...Object.keys(defaults),
  'max',
  'recycle',
  'refork',
  'restrict',
  'timeout',
  'init',
  'onEvent',
  'onError',
  'onDestroy',
])

/**
 * @returns the options with their defaults
 * @throws TypeError for what makes no sense
 */
export function settingsOf(options: PoolOptions): PoolSettings {
  checkNames('a pool', options, names)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as PoolOptions
  if (given.recycle !== undefined) checkNames('recycle', given.recycle, recyclingNames)
  const settings = {
    ...defaults,
    max: given.max ?? ncpu(),
    ...given,
    recycle: { ...never, ...given.recycle },
    refork: reforksOf(given.refork),
  }
  check(settings)
  const { onEvent, onError, onDestroy } = settings
  if (settings.balancer !== leastLoaded) settings.balancer = AsyncResource.bind(settings.balancer)
  if (onEvent) settings.onEvent = callbackOf(onEvent)
  if (onError) settings.onError = callbackOf(onError)
  if (onDestroy) settings.onDestroy = callbackOf(onDestroy)
  if (settings.isolate) settings.recycle = { ...settings.recycle, calls: 1, jitter: 0 }
  return settings
}

function check({
  max,
  idle,
  load,
  start,
  stop,
  startTimeout,
  spare,
  maxQueue,
  retries,
  timeout,
  recycle,
  refork,
  restrict,
  balancer,
  isolate,
  async,
  init,
  serialiser,
  ...rest
}: PoolSettings): void {
  if (!Number.isInteger(max) || max < 1) throw new TypeError(`max is a positive integer, not ${String(max)}`)
  if (!Number.isInteger(idle) || idle < 0 || idle > max)
    throw new TypeError(`idle is an integer from 0 to max, not ${String(idle)}`)
  checkCount('load', load, 1)
  if (isolate && (load !== 1 || idle))
    throw new TypeError('with isolate, a worker has one call and none is kept idle: use spare')
  checkMilliseconds('start', start)
  if (stop !== Infinity) checkMilliseconds('stop', stop)
  checkMilliseconds('startTimeout', startTimeout)
  if (!Number.isInteger(spare) || spare < 0) throw new TypeError(`spare is an integer from 0, not ${String(spare)}`)
  checkCount('maxQueue', maxQueue)
  checkCount('retries', retries)
  if (timeout !== undefined) checkTimeout(timeout)
  checkRecycling(recycle)
  for (const calls of refork) checkCount('refork', calls, 1)
  if (refork.length && (isolate || init !== undefined))
    throw new TypeError('refork is for workers that live on, and that need no arguments for init')
  for (const calls of refork)
    if (calls !== Infinity && calls >= recycle.calls)
      throw new TypeError(`refork is below recycle.calls, or it never happens, not ${calls}`)
  if (restrict !== undefined) checkRestrictions(restrict)
  if (typeof isolate !== 'boolean') throw new TypeError(`isolate is true or false, not ${String(isolate)}`)
  checkRpcOptions({ async, serialiser, ...(init !== undefined && { init }) })
  for (const [name, value] of Object.entries({ balancer, ...rest }))
    if (typeof value !== 'function') throw new TypeError(`${name} is a function, not ${String(value)}`)
}

function checkRecycling(recycle: Required<Recycling>): void {
  const { calls, jitter, pss, age } = recycle
  checkCount('recycle.calls', calls, 1)
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1))
    throw new TypeError(`recycle.jitter is a number from 0 to 1, not ${String(jitter)}`)
  for (const [name, value] of Object.entries({ pss, age }))
    if (typeof value !== 'number' || !(value > 0))
      throw new TypeError(`recycle.${name} is a positive number, not ${String(value)}`)
}

/** After how many calls, for each time; the last is for all later ones. */
function reforksOf(refork: PoolOptions['refork']): readonly number[] {
  if (refork === undefined) return []
  return Array.isArray(refork) ? (refork as readonly number[]) : [refork as number]
}

/**
 * Makes of a user's callback one that is called in the asynchronous context of now, and
 * whose errors are uncaught ones, but later: they disturb nothing here.
 */
function callbackOf<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  return AsyncResource.bind((...args: A) => {
    callSafely(() => callback(...args))
  })
}
