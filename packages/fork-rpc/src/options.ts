import { type ModuleSpecifier } from '@anyfork/fork'
import { checkNames } from '@anyfork/fork/internal'
import { type SerialiserName, serialiserReference } from './values/serialiser.js'

/** How much may be under way before a caller should wait; for its own sake, nothing is refused. */
export interface HighWaterMark {
  /** Calls that have not been answered; default: 10,000. */
  calls?: number
  /** Bytes that wait to be written; default: 16 MiB. */
  bytes?: number
}

export const DEFAULT_MARK: Required<HighWaterMark> = { calls: 10_000, bytes: 1 << 24 }
const markNames = new Set(['calls', 'bytes'])

/** What holds for a connection. */
export interface RpcOptions {
  /**
   * How values become octets: by the name of what comes along, or the URL of a module of
   * your own that exports `encode(values)` and `decode(bytes)`. Default: `'cbor'`.
   */
  serialiser?: SerialiserName | URL
  /**
   * false: one call at a time, in order, by a blocking loop; the default. true: calls
   * start as they come, on the event loop of the process, and end in any order.
   */
  async?: boolean
  /**
   * Name of a function of the module that is called first, with what was sent to the
   * process by `sendArg` and `sendFd`; it may return a promise, and cannot send events.
   */
  init?: string
  /** Name of a function of the module, or of another, that is called at the end, instead of ending the process. */
  done?: string | { module: ModuleSpecifier; name: string }
  /**
   * How many microseconds to look for what comes before sleeping, on both sides, where there
   * is more than one processor and as long as it pays; 0 for never. Default: 50. See docs/LATENCY.md.
   */
  spin?: number
  /** From where on `pressure` says that a caller should wait. */
  highWaterMark?: HighWaterMark
  /** Gets the values of every `event` of the child, in order with the results; and `'error'` with the error, where there is no `onError`. */
  onEvent?: (...values: unknown[]) => void
  /**
   * Called once when the process could not serve or has ended unasked. Without it and
   * without `onEvent`, this is an uncaught error, unless a call, a stream or `ready()` rejects
   * with it, or `killOnAbort` ended the process.
   */
  onError?: (error: Error) => void
  /** Called once when the process has ended as it was asked to. */
  onDestroy?: () => void
}

/** Spinning longer would stop all else that the program does. */
const MOST_SPIN_US = 1000
const names = new Set([
  'serialiser',
  'async',
  'init',
  'done',
  'spin',
  'highWaterMark',
  'onEvent',
  'onError',
  'onDestroy',
])

/** @throws TypeError for options that make no sense */
export function checkOptions(options: RpcOptions): void {
  checkNames('a connection', options, names)
  const {
    spin = 0,
    serialiser = 'cbor',
    async = false,
    init,
    done,
    highWaterMark = {},
    onEvent,
    onError,
    onDestroy,
  } = options
  if (!(Number.isInteger(spin) && spin >= 0 && spin <= MOST_SPIN_US))
    throw new TypeError(`spin is a number of microseconds up to ${MOST_SPIN_US}, not ${String(spin)}`)
  serialiserReference(serialiser)
  if (typeof async !== 'boolean') throw new TypeError(`async is true or false, not ${String(async)}`)
  if (init !== undefined) checkName('init', init)
  if (typeof done === 'object' && done !== null) checkName('done.name', done.name)
  else if (done !== undefined) checkName('done', done)
  checkHighWaterMark(highWaterMark)
  for (const [name, value] of Object.entries({ onEvent, onError, onDestroy }))
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`${name} is a function, not ${String(value)}`)
}

function checkName(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} is the name of a function, not ${String(value)}`)
}

/** @throws TypeError for marks that are no positive numbers */
function checkHighWaterMark(mark: HighWaterMark): void {
  checkNames('highWaterMark', mark, markNames)
  const { calls = DEFAULT_MARK.calls, bytes = DEFAULT_MARK.bytes } = mark
  for (const [name, value] of Object.entries({ calls, bytes })) {
    if (!(typeof value === 'number' && value > 0))
      throw new TypeError(`highWaterMark.${name} is a positive number, not ${String(value)}`)
  }
}
