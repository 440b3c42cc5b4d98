import { binding } from './binding.js'

/** What to wait for. */
export interface WatchEvents {
  /** There is something to read, the peer is gone, or an error waits to be fetched by a read. */
  readable?: boolean
  /** There is room to write. */
  writable?: boolean
  /** The peer has closed or shut down its end; told again and again while this is waited for. */
  hangup?: boolean
}

/** libuv's flags for the events that are wanted. @throws TypeError for what makes no sense */
export function flagsOf(events: WatchEvents): number {
  if (typeof events !== 'object' || events === null) throw new TypeError(`events are an object, not ${String(events)}`)
  for (const name in events) {
    if (name !== 'readable' && name !== 'writable' && name !== 'hangup')
      throw new TypeError(`there is no event ${name}`)
    const isWanted = events[name]
    if (typeof isWanted !== 'boolean' && isWanted !== undefined)
      throw new TypeError(`${name} is true or false, not ${String(isWanted)}`)
  }
  return (
    (events.readable ? binding.UV_READABLE : 0) |
    (events.writable ? binding.UV_WRITABLE : 0) |
    (events.hangup ? binding.UV_DISCONNECT : 0)
  )
}

/** The events of such flags. */
export function eventsOf(flags: number): Required<WatchEvents> {
  return {
    readable: (flags & binding.UV_READABLE) !== 0,
    writable: (flags & binding.UV_WRITABLE) !== 0,
    hangup: (flags & binding.UV_DISCONNECT) !== 0,
  }
}
