import {
  aBoolean,
  aFunction,
  aName,
  anInteger,
  anything,
  checkArgument,
  checkOptions,
  type Expectation,
  type Expectations,
} from '@anyfork/fdpass/internal'
import type { MemoryPolicy, ModuleSpecifier } from '@anyfork/fork'
import { aMemoryPolicy } from '@anyfork/fork/internal'
import { aSerialiser, type SerialiserName, serialiserReference } from './values/serialiser.js'

/** How much may be under way before callers should wait. It is advice: calls beyond it are still accepted. */
export interface HighWaterMark {
  /**
   * The number of pending calls at which `pressure` is 1; a positive number.
   *
   * @default 10_000
   */
  calls?: number
  /**
   * The number of bytes waiting to be written at which `pressure` is 1; a positive number.
   *
   * @default 16 MiB (16_777_216)
   */
  bytes?: number
}

/** An exported function that a process calls at its end. */
export interface DoneReference {
  /** The module that exports it. */
  module: ModuleSpecifier
  /** The name of the export. */
  name: string
  /**
   * Whether the process exits when the function has returned and its promise has been fulfilled. An error that the
   * function throws is uncaught, so that the process exits with code 1.
   *
   * @default false: the function decides when the process ends
   */
  exits?: boolean
}

/** The options of `run` and `connect`. */
export interface RpcOptions {
  /**
   * How values become bytes: the name of a built-in serialiser, or the file URL of a module that exports
   * `encode(values)` and `decode(bytes)`; see `Serialiser`. Both sides load that module.
   *
   * @default 'cbor'
   */
  serialiser?: SerialiserName | URL
  /**
   * If false, the process runs one call at a time, in order, in a blocking loop. If true, calls start as they arrive,
   * on the event loop of the process, and may finish in any order.
   *
   * @default false
   */
  async?: boolean
  /**
   * The name of a function of the module (of a global one with `run(process, name)`). The process calls it before it
   * serves, with the arguments that `sendArg` and `sendFd` sent to it. It may return a promise; it cannot send events.
   *
   * @default no function
   */
  init?: string
  /**
   * The name of a function of the module, or of another module. The process calls it without arguments when the caller
   * has closed the connection or is gone. It then decides when the process ends, unless `exits` is set.
   *
   * @default exits the process
   */
  done?: string | DoneReference
  /**
   * How many microseconds either side polls for data before it sleeps: an integer from 0 (never) to 1000. Neither side
   * polls while it does not pay, or with a single processor. See docs/LATENCY.md.
   *
   * @default 50
   */
  spin?: number
  /**
   * How much may be under way before `pressure` reaches 1.
   *
   * @default { calls: 10_000, bytes: 16 MiB }
   */
  highWaterMark?: HighWaterMark
  /**
   * The largest message in either direction, in bytes: the arguments of a call, a result, an event, or a value of a
   * stream, with its buffers; an integer from 1 to 4 GiB - 1. A larger one that is to be sent is a `RangeError`; a
   * process that sends one nevertheless is killed. Errors do not count. It also bounds the memory that the values of a
   * received message may take with the serialisers cbor and v8: a result whose values would take more rejects with a
   * `RangeError`, and an event ends the connection. With any built-in serialiser, the same holds for values that may not
   * fit in the free heap.
   *
   * @default 256 MiB (268_435_456)
   */
  maxMessageBytes?: number
  /**
   * How many descriptors that the process has sent may be open in this program at once; a positive integer. A process
   * that sends more is killed.
   *
   * @default a quarter of the limit of open files of this program
   */
  maxDescriptors?: number
  /**
   * How the process weighs memory against processor time. See @anyfork/fork.
   *
   * @default that of its template
   */
  memory?: MemoryPolicy
  /**
   * Called with the values of every `event()` in the process, in order with the results. If there is no `onError`, it
   * is also called with `'error'` and the error, when `onError` would have been.
   *
   * @default drops events; the first one emits a process warning
   */
  onEvent?: (...values: unknown[]) => void
  /**
   * Called once if the process could not serve, or ended without having been asked to.
   *
   * @default calls `onEvent('error', error)`. Without `onEvent`, the error is an uncaught exception, unless a call, a
   *   stream, or `ready()` rejects with it, or `killOnAbort` killed the process
   */
  onError?: (error: Error) => void
  /**
   * Called once when the process has ended because of `close()` or `destroy()`.
   *
   * @default does nothing
   */
  onDestroy?: () => void
}

/** The largest length that a header can have, in bytes. */
const MOST_MESSAGE_BYTES = 0xffffffff

/** The default high-water mark. */
export const DEFAULT_MARK: Required<HighWaterMark> = { calls: 10_000, bytes: 1 << 24 }

/** The longest spin, in microseconds. A longer one would stop the rest of the program noticeably. */
const MOST_SPIN_US = 1000

const anObject: Expectation = { test: value => typeof value === 'object' && value !== null, text: 'an object' }
const aPositiveNumber: Expectation = {
  test: value => typeof value === 'number' && value > 0,
  text: 'a positive number',
}
const aDoneFunction: Expectation = {
  test: value => aName.test(value) || anObject.test(value),
  text: 'the name of a function, or { module, name }',
}
const expectations: Expectations<RpcOptions> = {
  serialiser: aSerialiser,
  async: aBoolean,
  init: aName,
  done: aDoneFunction,
  spin: anInteger(0, MOST_SPIN_US),
  highWaterMark: anObject,
  maxMessageBytes: anInteger(1, MOST_MESSAGE_BYTES),
  maxDescriptors: anInteger(1, Number.MAX_SAFE_INTEGER),
  memory: aMemoryPolicy,
  onEvent: aFunction,
  onError: aFunction,
  onDestroy: aFunction,
}
const markExpectations: Expectations<HighWaterMark> = { calls: aPositiveNumber, bytes: aPositiveNumber }

/**
 * Checks the options of a connection.
 *
 * @param call - the call as users write it, for the message
 * @throws TypeError if an option does not exist or has an invalid value
 */
export function checkRpcOptions(options: RpcOptions, call: string): void {
  checkOptions(call, options, expectations)
  const { done, highWaterMark, serialiser } = options
  if (serialiser !== undefined) serialiserReference(serialiser)
  if (highWaterMark) checkOptions(`option highWaterMark of ${call}`, highWaterMark, markExpectations)
  if (typeof done !== 'object') return
  checkOptions(`option done of ${call}`, done, { module: anything, name: aName, exits: aBoolean })
  checkArgument(`name in option done of ${call}`, done.name, aName)
}
