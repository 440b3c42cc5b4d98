import { type Handle, MAX_DESCRIPTORS } from '@anyfork/fdpass'
import type { Reservation } from './slot-reservation.js'

export interface FdPasserOptions {
  /**
   * A connected AF_UNIX stream socket, or both ends of one; left out: a new pair. The
   * passer takes over numbers and `Descriptor`s; of anything else it takes a duplicate,
   * and nobody else may read from it. With two ends, `iAmParent` or `iAmChild` says
   * which one is meant.
   */
  fd?: Handle | readonly [Handle, Handle]
  /** Called once when the peer ends the connection, with `undefined`, or when it breaks, with the error. Not after `close` and `destroy`. */
  onError?: (error: Error | undefined) => void
  /** Most descriptors in a message, 1 to 253; default 1, which every peer understands. Any number is understood here. */
  batch?: number
  /** How room for received descriptors is made sure; default `'both'`. */
  reservation?: Reservation
  /** Leave the socket's `O_NONBLOCK` as it is, for others who share it; it is never waited on. Default: false. */
  dontSetNonblocking?: boolean
  /** So many descriptors wait to be sent when `pressure` is 1; default 256. */
  highWaterMark?: number
}

export interface SendOptions {
  /** The handle stays the caller's, who keeps it open until the promise has settled; default: it is closed once sent. A `net.Server` that is kept removes its socket file when it is closed. */
  keep?: boolean
}

export interface WaitOptions {
  /** Ends the waiting. */
  signal?: AbortSignal
}

/** The options with their defaults, those about the socket aside. @throws TypeError, RangeError */
export function complete(options: FdPasserOptions): Required<Omit<FdPasserOptions, 'fd'>> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options are an object, not ${String(options)}`)
  const {
    fd,
    onError = () => {},
    batch = 1,
    reservation = 'both',
    dontSetNonblocking = false,
    highWaterMark = 256,
    ...rest
  } = options
  for (const name of Object.keys(rest)) throw new TypeError(`a connection has no option ${name}`)
  if (!Number.isInteger(batch) || batch < 1 || batch > MAX_DESCRIPTORS)
    throw new RangeError(`a batch is 1 to ${MAX_DESCRIPTORS} descriptors, not ${String(batch)}`)
  if (!Number.isInteger(highWaterMark) || highWaterMark < 1)
    throw new RangeError(`the high-water mark is a positive integer, not ${String(highWaterMark)}`)
  if (!['sentinel', 'peek', 'both'].includes(reservation))
    throw new TypeError(`unknown reservation ${String(reservation)}`)
  if (typeof dontSetNonblocking !== 'boolean')
    throw new TypeError(`dontSetNonblocking is true or false, not ${String(dontSetNonblocking)}`)
  if (typeof onError !== 'function') throw new TypeError('onError is not a function')
  return { onError, batch, reservation, dontSetNonblocking, highWaterMark }
}

/** @throws TypeError for what makes no sense */
export function isKept(options: SendOptions): boolean {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options are an object, not ${String(options)}`)
  const { keep = false, ...rest } = options
  for (const name of Object.keys(rest)) throw new TypeError(`pushSend() has no option ${name}`)
  if (typeof keep !== 'boolean') throw new TypeError(`keep is true or false, not ${String(keep)}`)
  return keep
}

/** @throws TypeError for what makes no sense, a signal instead of options also */
export function signalOf(options: WaitOptions, call: string): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null || options instanceof AbortSignal)
    throw new TypeError(`the options of ${call} are an object, not ${String(options)}`)
  const { signal: given, ...rest } = options
  const signal = given ?? undefined
  for (const name of Object.keys(rest)) throw new TypeError(`${call} has no option ${name}`)
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal')
  return signal
}
