import {
  aBoolean,
  aFunction,
  aName,
  anInteger,
  anything,
  bindContext,
  callSafely,
  checkOptions,
  type Expectations,
} from '@anyfork/fdpass/internal'
import { aMemoryPolicy, checkRestrictions } from '@anyfork/fork/internal'
import type { MemoryPolicy, Restrictions, SerialiserName } from '@anyfork/fork-rpc'
import { checkRpcOptions } from '@anyfork/fork-rpc/internal'
import { type Balancer, leastLoaded } from './balancer.js'
import { aCount, aDuration, aDurationOrInfinity, aPositiveNumber, checkLimits } from './expectations.js'
import { ncpu } from './ncpu.js'

/** Where an event comes from: `this` of an `WorkerEventListener` that is not an arrow function. */
export interface WorkerEventSource {
  /** The process id of the worker. */
  readonly pid: number
}

/** Receives the values of an event. */
export type WorkerEventListener = (this: WorkerEventSource, ...values: unknown[]) => void

/** When to replace a healthy worker. The worker completes its calls first. */
export interface Recycling {
  /**
   * After how many calls: an integer from 1, or `Infinity`. The pool subtracts a random part, see `jitter`.
   *
   * @default Infinity
   */
  calls?: number
  /**
   * The largest random part that is subtracted from `calls`, as a fraction of it, 0 to 1, so that not all workers are
   * replaced at once.
   *
   * @default 0.1
   */
  jitter?: number
  /**
   * Above how many bytes of memory (PSS, the proportional set size). The pool measures every half a second.
   *
   * @default Infinity
   */
  pss?: number
  /**
   * By how many bytes its private memory may grow (USS, the unique set size): memory that the template does not share.
   * Counts from the fork, or, in a fresh interpreter, from the moment in which it is ready for calls. The pool measures every half a second. It starts the successor of a busy worker first, so that
   * calls need not wait for one, and replaces one worker at a time. With a template that has run the function before
   * (`warm`), the successor has its code compiled.
   *
   * @default Infinity
   */
  growth?: number
  /**
   * At what age, in milliseconds. The pool looks after each call.
   *
   * @default Infinity
   */
  age?: number
}

/** How much may wait for a busy worker. */
export interface QueueLimit {
  /**
   * How many calls: an integer from 0, or `Infinity`.
   *
   * @default Infinity
   */
  calls?: number
  /**
   * How many bytes the encoded arguments of the waiting calls may have, with large buffers, which are not copied: an
   * integer from 1, or `Infinity`. A call that is larger may wait alone.
   *
   * @default Infinity
   */
  bytes?: number
}

/** How much memory workers may use. */
export interface MemoryOptions {
  /**
   * The maximum memory of a worker, in bytes (PSS: memory that workers share counts in part), a positive number, or
   * `Infinity`. The pool measures workers that have calls ten times a second, and kills one that has more: the calls
   * that it has begun reject with `ERR_POOL_MEMORY`, and are not repeated. A worker that has more after its last call
   * is replaced. V8 collects garbage late, so leave room for it, or limit V8's heap by `--max-old-space-size` in the
   * `execArgv` of the template. Linux only.
   *
   * @default Infinity
   */
  limit?: number
  /**
   * How workers weigh memory against processor time; see @anyfork/fork.
   *
   * @default that of the template, which is 'balanced' unless you set another one
   */
  policy?: MemoryPolicy
}

/**
 * Options of `pool` and `connectPool`. An option that is `undefined` counts as left out. The names `load`, `idle`,
 * `start`, and `stop` are those of AnyEvent::Fork::Pool.
 */
export interface PoolOptions {
  /**
   * The maximum number of workers, from 1. Workers that are ending do not count, except with `isolate`.
   *
   * @default ncpu()
   */
  max?: number
  /**
   * The minimum number of idle workers (`minIdle`), 0 to `max`. The pool starts with so many.
   *
   * @default 0
   */
  idle?: number
  /**
   * The concurrency per worker: how many calls a worker has at a time, an integer from 1, or `Infinity`. A worker runs
   * them one after the other unless the pool is `async`. A high number gives the highest throughput of short calls. 1
   * gives calls of any length the lowest latency. `'auto'` is 1, but while almost all calls take less than a fifth of a
   * millisecond, a worker gets its next calls ahead of time. They still count as waiting, and move to another worker if
   * the call before them takes longer. It is 1 in an `async` pool, with a `balancer`, and on other systems than Linux.
   *
   * @default 'auto'
   */
  load?: number | 'auto'
  /**
   * The start delay, in milliseconds: how long calls wait for a free slot, or idle workers are missing, before one more
   * worker is started. 0 starts one for each waiting call at once.
   *
   * @default 0
   */
  start?: number
  /**
   * The idle timeout, in milliseconds: in each such period one worker ends, the one that has been idle longest, as long
   * as there are more idle workers than `idle`. 0 ends a worker as soon as it is idle; `Infinity` keeps all.
   *
   * @default 10_000
   */
  stop?: number
  /**
   * The maximum time that a worker may take to start, in milliseconds, not counting the time in which its template starts
   * others. A worker that takes longer is killed. Calls reject with `ERR_POOL_START_TIMEOUT` if no worker is left and two
   * starts in a row took longer.
   *
   * @default 30_000
   */
  startTimeout?: number
  /**
   * How many workers to start in advance (`prefork`), beyond `max`, an integer from 0. Where the pool would start a worker,
   * it takes one of them, which can be called at once. `init` runs when they are started. A call with restrictions of its
   * own does not use them.
   *
   * @default 0
   */
  spare?: number
  /**
   * The maximum length of the queue: a number of calls, from 0, or a limit of calls and of bytes. A call beyond it
   * rejects with `ERR_POOL_QUEUE_FULL`. Calls that only wait until a new worker has started do not count; their bytes
   * count towards the limit of the calls behind them.
   *
   * @default Infinity
   */
  maxQueue?: number | QueueLimit
  /**
   * Whether to run each call in a process of its own, which ends with the call. Excludes `load` and `idle`.
   *
   * @default false
   */
  isolate?: boolean
  /**
   * Limits what workers may use and do: `{ nice: 10, rlimits: { nofile: 100 } }`. The limits of the kernel hold for the
   * whole life of a worker; see `memory` and `cpuMs` for limits of calls. See `restrict()` of `ForkProcess`.
   *
   * @default none
   */
  restrict?: Restrictions
  /**
   * How much memory workers may use: a policy, such as `'lean'`, a limit in bytes, or both, such as
   * `{ policy: 'lean', limit: 500e6 }`. See `MemoryOptions`.
   *
   * @default no limit, and the policy of the template
   */
  memory?: MemoryPolicy | number | MemoryOptions
  /**
   * The maximum processor time of a call, in milliseconds, or `Infinity`. `with()` overrides it; see there.
   *
   * @default none
   */
  cpuMs?: number
  /**
   * When to replace healthy workers.
   *
   * @default never
   */
  recycle?: Recycling
  /**
   * After how many calls a warm worker becomes the template, with all that it has compiled and cached. The others are
   * then replaced by forks of it, one after the other. A list has a number for each generation, and the last applies to
   * all later ones. Each number must be below the option `calls` of `recycle`, or it may never be reached. Excludes
   * `isolate`, `init`, and `done`.
   *
   * @default never
   */
  refork?: number | readonly number[]
  /**
   * How often a call is repeated if its worker dies while it runs: an integer from 0, or `Infinity`. `with()` overrides
   * it.
   *
   * @default 0
   */
  retries?: number
  /**
   * The maximum running time of a call, or the time until its stream begins, in milliseconds, or `Infinity`. `with()`
   * overrides it.
   *
   * @default none
   */
  timeout?: number
  /**
   * Chooses among the workers that have a free slot. Called in the asynchronous context in which the pool was made.
   *
   * @default leastLoaded
   */
  balancer?: Balancer
  /**
   * Whether a worker runs its calls concurrently on its event loop, up to `load` of them, rather than one after the
   * other in a blocking loop. Without it, nothing else runs in a worker between calls: its timers and sockets stop.
   *
   * @default false
   */
  async?: boolean
  /**
   * The name of a function of the module that each worker calls before its first call, with the arguments sent to the
   * template by `sendArg` and `sendFd`.
   *
   * @default none
   */
  init?: string
  /**
   * How values become bytes: the name of a built-in serialiser, or the URL of a module. See @anyfork/fork-rpc.
   *
   * @default 'cbor'
   */
  serialiser?: SerialiserName | URL
  /**
   * The largest message to or from a worker, in bytes: an integer from 1 to 4 GiB - 1. See @anyfork/fork-rpc.
   *
   * @default 256 MiB (268_435_456)
   */
  maxMessageBytes?: number
  /**
   * How many descriptors that a worker has sent may be open in this program at once: a positive integer. A worker that
   * sends more is killed.
   *
   * @default a quarter of the limit of open files of this program
   */
  maxDescriptors?: number
  /**
   * The name of a function of the module that each worker calls at its end, before it exits: the counterpart of `init`.
   * It may return a promise. The worker exits when that settles, or is killed two seconds after its last call. A worker
   * that is killed, dies, or exits by itself does not call it. Excludes `refork`.
   *
   * @default none
   */
  done?: string
  /**
   * Receives the values of each `event()` of a worker; `this.pid` is the worker's process id. `with()` overrides it for
   * single calls. Without it, events are dropped and their descriptors closed.
   *
   * @default none
   */
  onEvent?: WorkerEventListener
  /**
   * Receives errors that no call reports: an idle worker died, a worker could not start, or a refork failed. The pool
   * goes on.
   *
   * @default none
   */
  onError?: (error: Error) => void
  /**
   * Called once, when all processes of the pool have ended after `close()` or `destroy()`.
   *
   * @default none
   */
  onDestroy?: () => void
}

type Optional =
  | 'cpuMs'
  | 'maxMessageBytes'
  | 'maxDescriptors'
  | 'restrict'
  | 'timeout'
  | 'init'
  | 'done'
  | 'onEvent'
  | 'onError'
  | 'onDestroy'

/** The checked options, with defaults. */
export type PoolSettings = Required<
  Omit<PoolOptions, Optional | 'load' | 'maxQueue' | 'memory' | 'recycle' | 'refork'>
> &
  Pick<PoolOptions, Optional> & {
    load: number
    /** Whether workers may get calls ahead of time. */
    sendsAhead: boolean
    maxQueue: Required<QueueLimit>
    /** The memory limit. */
    memory: number
    memoryPolicy: MemoryPolicy | undefined
    recycle: Required<Recycling>
    refork: readonly number[]
  }

const defaults = {
  idle: 0,
  start: 0,
  stop: 10_000,
  startTimeout: 30_000,
  spare: 0,
  isolate: false,
  retries: 0,
  balancer: leastLoaded,
  async: false,
  serialiser: 'cbor' as SerialiserName | URL,
}
const never: Required<Recycling> = { calls: Infinity, jitter: 0.1, pss: Infinity, growth: Infinity, age: Infinity }

const unlimited: Required<QueueLimit> = { calls: Infinity, bytes: Infinity }

const aReforkLimit = aCount(1)

const expectations: Expectations<PoolOptions> = {
  max: anInteger(1),
  idle: anInteger(0),
  load: {
    test: value => value === 'auto' || aCount(1).test(value),
    text: `${aCount(1).text}, or 'auto'`,
  },
  start: aDuration,
  stop: aDurationOrInfinity,
  startTimeout: aDuration,
  spare: anInteger(0),
  maxQueue: {
    test: value => aCount(0).test(value) || (typeof value === 'object' && value !== null),
    text: `${aCount(0).text}, or { calls, bytes }`,
  },
  isolate: aBoolean,
  restrict: anything, // checkRestrictions checks it
  memory: {
    test: value =>
      aMemoryPolicy.test(value) || aPositiveNumber.test(value) || (typeof value === 'object' && value !== null),
    text: `${aMemoryPolicy.text}, ${aPositiveNumber.text}, or { limit, policy }`,
  },
  cpuMs: aPositiveNumber,
  recycle: anything, // checked with the expectations below
  refork: {
    test: value => (Array.isArray(value) ? value.every(aReforkLimit.test) : aReforkLimit.test(value)),
    text: `${aReforkLimit.text}, or an array of them`,
  },
  retries: aCount(0),
  timeout: aDurationOrInfinity,
  balancer: aFunction,
  async: aBoolean,
  init: aName,
  done: aName,
  serialiser: anything, // checkRpcOptions checks it, and the next two
  maxMessageBytes: anything,
  maxDescriptors: anything,
  onEvent: aFunction,
  onError: aFunction,
  onDestroy: aFunction,
}

const queueExpectations: Expectations<QueueLimit> = { calls: aCount(0), bytes: aCount(1) }

const memoryExpectations: Expectations<MemoryOptions> = { limit: aPositiveNumber, policy: aMemoryPolicy }

const recyclingExpectations: Expectations<Recycling> = {
  calls: aCount(1),
  jitter: { test: value => typeof value === 'number' && value >= 0 && value <= 1, text: 'a number from 0 to 1' },
  pss: aPositiveNumber,
  growth: aPositiveNumber,
  age: aPositiveNumber,
}

/**
 * Checks the options of a pool, and fills in the defaults.
 *
 * @param call - the call as users write it, for error messages
 * @throws TypeError for an unknown option, an invalid value, or options that exclude each other
 */
export function poolSettings(call: string, options: PoolOptions): PoolSettings {
  checkOptions(call, options, expectations)
  const {
    max = ncpu(),
    load = 'auto',
    maxQueue = {},
    memory = {},
    recycle = {},
    refork = [],
    ...others
  } = withoutUndefined(options)
  checkOptions('recycle', recycle, recyclingExpectations)
  const queueLimit = typeof maxQueue === 'number' ? { calls: maxQueue } : maxQueue
  checkOptions('maxQueue', queueLimit, queueExpectations)
  const { limit = Infinity, policy } = memoryOptions(memory)
  const settings: PoolSettings = {
    ...defaults,
    max,
    ...others,
    load: load === 'auto' ? 1 : load,
    sendsAhead: load === 'auto' && !others.async && !others.isolate && !others.balancer,
    maxQueue: { ...unlimited, ...withoutUndefined(queueLimit) },
    memory: limit,
    memoryPolicy: policy,
    recycle: { ...never, ...withoutUndefined(recycle) },
    refork: typeof refork === 'number' ? [refork] : refork,
  }
  checkLimits(call, { memory: limit === Infinity ? undefined : limit, cpuMs: options.cpuMs })
  if (settings.restrict !== undefined) checkRestrictions(settings.restrict)
  const { serialiser, maxMessageBytes, maxDescriptors } = settings
  checkRpcOptions(
    {
      serialiser,
      ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      ...(maxDescriptors !== undefined && { maxDescriptors }),
    },
    call,
  )
  checkCombinations(call, settings)
  if (settings.isolate) settings.recycle = { ...settings.recycle, calls: 1, jitter: 0 }
  return bindCallbacks(settings)
}

function memoryOptions(memory: NonNullable<PoolOptions['memory']>): MemoryOptions {
  if (typeof memory === 'string') return { policy: memory }
  if (typeof memory === 'number') return { limit: memory }
  checkOptions('memory', memory, memoryExpectations)
  return memory
}

function withoutUndefined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}

function checkCombinations(
  call: string,
  { max, idle, load, isolate, refork, init, done, recycle: { calls } }: PoolSettings,
): void {
  if (idle > max) throw new TypeError(`option idle of ${call} must be at most max, which is ${max}, not ${idle}`)
  if (isolate && (load !== 1 || idle > 0))
    throw new TypeError(`option isolate of ${call} excludes load and idle: each worker has one call; use spare instead`)
  if (refork.length && (isolate || init !== undefined || done !== undefined))
    throw new TypeError(`option refork of ${call} excludes isolate, init, and done`)
  for (const limit of refork)
    if (limit !== Infinity && limit >= calls)
      throw new TypeError(`option refork of ${call} must be below recycle.calls, which is ${calls}, not ${limit}`)
}

/** Lets callbacks run in the asynchronous context of the caller. The balancer's errors reject calls; others are uncaught. */
function bindCallbacks(settings: PoolSettings): PoolSettings {
  const { balancer, onEvent, onError, onDestroy } = settings
  return {
    ...settings,
    balancer: balancer === leastLoaded ? balancer : bindContext(balancer),
    ...(onEvent && { onEvent: bindSafely(onEvent) }),
    ...(onError && { onError: bindSafely(onError) }),
    ...(onDestroy && { onDestroy: bindSafely(onDestroy) }),
  }
}

/** Lets a callback run in the present asynchronous context. Its errors are uncaught. */
export function bindSafely<This, A extends unknown[]>(
  callback: (this: This, ...args: A) => void,
): (this: This, ...args: A) => void {
  return bindContext(function (this: This, ...args: A): void {
    callSafely(() => callback.apply(this, args))
  })
}
