import { binding, type NativeWatch } from './binding.js'
import { aBoolean, aFunction, anObject, checkArgument, checkOptions } from './check-options.js'
import { Descriptor, endBeforeClose, isNonblocking, setNonblocking } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked, systemError } from './system-error.js'

/** What to wait for. */
export interface WatchEvents {
  /** There is something to read, the peer is gone, or an error waits to be fetched by a read. */
  readable?: boolean
  /** There is room to write. */
  writable?: boolean
  /** The peer has closed or shut down its end; told again and again while this is waited for. */
  hangup?: boolean
}

export interface WatchOptions {
  /**
   * Leave `O_NONBLOCK` as it is, for the sake of others who share the open file;
   * default: false, and it is set. Whoever leaves it must not wait in the callback.
   */
  keepBlocking?: boolean
  /** Called soon after the `Descriptor` that is watched was closed or handed over, which has ended the watch. */
  onClose?: () => void
}

const watchEvents = { readable: aBoolean, writable: aBoolean, hangup: aBoolean }
const watchOptions = { keepBlocking: aBoolean, onClose: aFunction }

/** A watched descriptor. */
export interface Watch {
  /** Changes what to wait for; waiting for nothing lets go of the descriptor until the next change. */
  change(events: WatchEvents): void
  /** Lets it keep the event loop alive, as it does at first. */
  ref(): void
  /** Lets the process end although it is watched. */
  unref(): void
  /** Ends it; no callback comes afterwards. Closes nothing. Idempotent. To be called before the descriptor is closed, unless that is by its `Descriptor`. */
  close(): void
}

/**
 * Calls back while a descriptor is ready, on the event loop (uv_poll, level
 * triggered). Makes the descriptor non-blocking unless told not to; the caller
 * still owns it. When a `Descriptor` is closed or handed over, its watch ends first, without
 * a callback. **Of any other handle, a number above all, close the watch before the
 * descriptor**: where libuv finds that one closed, it aborts the process.
 *
 * @param handle - a socket, pipe or tty; regular files cannot be watched (`EPERM`)
 * @param callback - gets what the descriptor is ready for. An error of the
 *   descriptor itself counts as ready for all that was waited for.
 * @throws TypeError for what makes no sense; `EEXIST` when this loop watches the descriptor already; nothing has changed when this throws
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
    if (native && wanted === waiting) return // libuv would tell the kernel all over again
    waiting = wanted
    if (!waiting) return stop()
    if (native) {
      checked(binding.watchChange(native, waiting), 'uv_poll_start')
      return
    }
    const started = binding.watch(fd, waiting, onReady)
    if (typeof started === 'number') throw systemError(started, 'uv_poll_init')
    native = started
    if (staysBlocking) setNonblocking(fd, false) // uv_poll_init has set it
    if (!referenced) binding.watchRef(native, false)
  }
  const change = (next: WatchEvents): void => {
    if (closed) throw systemError(-9, 'watch closed')
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
  if (!keepBlocking) setNonblocking(fd, true) // not before: where it throws, nothing has changed
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

/** The events of such flags. */
function eventsOf(flags: number): Required<WatchEvents> {
  return {
    readable: (flags & binding.UV_READABLE) !== 0,
    writable: (flags & binding.UV_WRITABLE) !== 0,
    hangup: (flags & binding.UV_DISCONNECT) !== 0,
  }
}
