import { constants } from 'node:os'
import { binding, type NativeWatch } from './binding.js'
import { aBoolean, aFunction, anObject, checkArgument, checkOptions } from './check-options.js'
import { Descriptor, endBeforeClose, isNonblocking, setNonblocking } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked, systemError } from './system-error.js'

/** The events to wait for. An event that is left out is not waited for. */
export interface WatchEvents {
  /**
   * Data is available, the peer has closed its end, or a read would throw an error.
   *
   * @default false
   */
  readable?: boolean
  /**
   * There is room to write.
   *
   * @default false
   */
  writable?: boolean
  /**
   * The peer has closed or shut down its end. The watch reports this repeatedly until it changes or closes.
   *
   * @default false
   */
  hangup?: boolean
}

/** Options of `watch`. */
export interface WatchOptions {
  /**
   * Leave `O_NONBLOCK` unchanged instead of setting it, because other processes share the open file. The callback must
   * then use calls that do not wait, such as those with `dontWait`.
   *
   * @default false
   */
  keepBlocking?: boolean
  /**
   * Called in a microtask after the watched `Descriptor` was closed or handed over, which has ended the watch.
   *
   * @default undefined
   */
  onClose?: () => void
}

const watchEvents = { readable: aBoolean, writable: aBoolean, hangup: aBoolean }
const watchOptions = { keepBlocking: aBoolean, onClose: aFunction }

/** An active watch of one descriptor. */
export interface Watch {
  /**
   * Replaces the events to wait for. With no events, the watch is inactive until the next change.
   *
   * @throws TypeError if an event is invalid
   * @throws SystemError `EBADF` if the watch is closed
   */
  change(events: WatchEvents): void
  /** Lets the watch keep the event loop alive. This is the initial state. */
  ref(): void
  /** Lets the event loop end although the watch is active. */
  unref(): void
  /**
   * Ends the watch without closing the descriptor. No callback follows. Idempotent. Call this before you close the
   * descriptor, unless you close it through the watched `Descriptor`.
   */
  close(): void
}

/**
 * Calls a function on the event loop as long as a descriptor is ready (uv_poll, level-triggered). Makes the descriptor
 * non-blocking unless `keepBlocking` is set.
 *
 * When a `Descriptor` is closed or handed over, its watch ends first, without a callback. **For any other handle, such
 * as a number, close the watch before the descriptor**: if libuv finds a watched descriptor closed, it aborts the
 * process.
 *
 * @param handle - a socket, pipe, or tty; borrowed
 * @param events - the events to wait for
 * @param callback - receives the events that have occurred. An error of the descriptor counts as all awaited events.
 * @param options - see `WatchOptions`
 * @returns the watch; the caller closes it
 * @throws TypeError if an argument or option is invalid
 * @throws SystemError `EEXIST` if this event loop already watches the descriptor; `EPERM` if it is a regular file;
 *   `EBADF`. If this throws, nothing has changed.
 */
export function watch(
  handle: Handle,
  events: WatchEvents,
  callback: (ready: Required<WatchEvents>) => void,
  options: WatchOptions = {},
): Watch {
  checkArgument('the events of watch()', events, anObject)
  checkOptions('watch()', events, watchEvents)
  checkOptions('watch()', options, watchOptions)
  const { keepBlocking = false, onClose } = options
  checkArgument('the callback of watch()', callback, aFunction)
  const fd = descriptorNumber(handle)
  const staysBlocking = keepBlocking && !isNonblocking(fd)
  let native: NativeWatch | undefined
  let waiting = 0
  let referenced = true
  let closed = false
  let forget: (() => void) | undefined

  const onReady = (result: number): void => {
    const ready = result < 0 ? waiting : result & waiting
    if (ready) callback(eventsOf(ready))
  }
  const stop = (): void => {
    if (native) binding.watchClose(native)
    native = undefined
  }
  const setEvents = (next: WatchEvents): void => {
    const wanted = flagsOf(next)
    if (native && wanted === waiting) return // saves libuv's system call
    waiting = wanted
    if (!waiting) return stop()
    if (native) {
      checked(binding.watchChange(native, waiting), 'uv_poll_start')
      return
    }
    const started = binding.watch(fd, waiting, onReady)
    if (typeof started === 'number') throw systemError(started, 'uv_poll_init')
    native = started
    if (staysBlocking) setNonblocking(fd, false) // uv_poll_init has set O_NONBLOCK
    if (!referenced) binding.watchRef(native, false)
  }
  const change = (next: WatchEvents): void => {
    if (closed) throw systemError(-constants.errno.EBADF, 'watch closed')
    checkArgument('the events of change()', next, anObject)
    checkOptions('change()', next, watchEvents)
    setEvents(next)
  }
  const setReferenced = (on: boolean): void => {
    referenced = on
    if (native) binding.watchRef(native, on)
  }
  const close = (): void => {
    closed = true
    forget?.()
    stop()
  }
  const onDescriptorClose = (): void => {
    close()
    if (onClose) queueMicrotask(onClose)
  }
  setEvents(events)
  if (!keepBlocking) setNonblocking(fd, true) // not earlier: if starting throws, nothing must have changed
  if (handle instanceof Descriptor) forget = endBeforeClose(handle, onDescriptorClose)
  return {
    change,
    ref: () => setReferenced(true),
    unref: () => setReferenced(false),
    close,
  }
}

/** Returns libuv's flags for some events. */
function flagsOf(events: WatchEvents): number {
  return (
    (events.readable ? binding.UV_READABLE : 0) |
    (events.writable ? binding.UV_WRITABLE : 0) |
    (events.hangup ? binding.UV_DISCONNECT : 0)
  )
}

function eventsOf(flags: number): Required<WatchEvents> {
  return {
    readable: (flags & binding.UV_READABLE) !== 0,
    writable: (flags & binding.UV_WRITABLE) !== 0,
    hangup: (flags & binding.UV_DISCONNECT) !== 0,
  }
}
