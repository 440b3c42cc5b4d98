import { MOST_SOCKET_BYTES, Socket } from '../protocol/remote-frames.js'
import { ReceiveWindow, SendWindow } from '../protocol/window.js'
import { brokenPipe, Descriptor } from './fdpass.js'

interface Events {
  readable: boolean
  writable: boolean
}

/** What `Watch` of fdpass is here. */
export interface PortWatch {
  change(events: Partial<Events>): void
  ref(): void
  unref(): void
  close(): void
}

/** What a port needs of the connection. */
export interface PortConnection {
  /** Writes a frame. */
  send(type: number, payload?: Uint8Array): void
  /** Blocks until a frame for the port has arrived, and gives it to the port. Exits if the connection ends. */
  waitForFrame(): void
  /** Keeps the event loop alive, or no longer. */
  hold(on: boolean): void
}

/**
 * The function's end of its socket, in a process that has no such socket: its bytes travel in frames over the connection.
 * It can be used like a socket by the functions of `fdpass.ts`.
 */
export class Port extends Descriptor {
  /** Whether `write` blocks while there is no room. */
  isBlocking = true
  readonly #connection: PortConnection
  readonly #outgoing = new SendWindow()
  readonly #incoming = new ReceiveWindow()
  readonly #arrived: Buffer[] = []
  #isEnded = false
  #isGone = false
  #hasWriteEnded = false
  #events: Events = { readable: false, writable: false }
  #onReady: ((ready: Events) => void) | undefined
  #isDue = false
  #isReferenced = false
  #isHeld = false

  constructor(connection: PortConnection) {
    super()
    this.#connection = connection
  }

  /** Handles a frame of the socket. */
  onFrame(type: number, payload: Buffer): void {
    if (type === Socket.taken) this.#outgoing.onTaken(payload)
    else if (type === Socket.end) this.#isEnded = true
    else if (type === Socket.gone) this.#isGone = this.#isEnded = true
    else {
      this.#incoming.received(payload.length)
      if (this.isOpen) this.#arrived.push(payload)
    }
    this.#announce()
  }

  /**
   * Reads what has arrived.
   *
   * @returns how many bytes; 0 at the end; -1 if nothing is available
   */
  read(buffer: Uint8Array, offset: number): number {
    const first = this.#arrived[0]
    if (!first) return this.#isEnded ? 0 : -1
    const count = first.copy(buffer, offset)
    const isWhole = count === first.length
    if (isWhole) this.#arrived.shift()
    else this.#arrived[0] = first.subarray(count)
    this.#acknowledge(count, isWhole)
    return count
  }

  /** Takes all that has arrived in one piece; `null` at the end, `undefined` if nothing is available. */
  take(): Buffer | null | undefined {
    const first = this.#arrived.shift()
    if (!first) return this.#isEnded ? null : undefined
    this.#acknowledge(first.length)
    return first
  }

  /**
   * Writes bytes, as many as there is room for.
   *
   * @returns how many
   * @throws `EPIPE` if the other side takes no more
   */
  write(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length) {
      if (this.#isGone) throw brokenPipe()
      const count = Math.min(bytes.length - at, MOST_SOCKET_BYTES, this.#outgoing.room)
      if (count > 0) {
        this.#outgoing.sent(count)
        this.#connection.send(Socket.bytes, bytes.subarray(at, at + count))
        at += count
      } else if (this.isBlocking) this.#connection.waitForFrame()
      else break
    }
    return at
  }

  /** No more will be written. */
  endWriting(): void {
    if (!this.#hasWriteEnded) this.#connection.send(Socket.end)
    this.#hasWriteEnded = true
  }

  override close(): void {
    if (!this.isOpen) return
    super.close()
    this.#arrived.length = 0
    this.endWriting()
    this.#connection.send(Socket.gone)
    this.#isReferenced = false
    this.#updateHold()
  }

  /**
   * Calls a function whenever the port is ready for what is asked. It keeps the event loop alive while something is asked. As
   * `watch` of fdpass.
   */
  watch(events: Partial<Events>, onReady: (ready: Events) => void): PortWatch {
    this.#onReady = onReady
    const change = (next: Partial<Events>): void => {
      this.#events = { readable: false, writable: false, ...next }
      this.#updateHold()
      this.#announce()
    }
    const reference = (on: boolean): void => {
      this.#isReferenced = on
      this.#updateHold()
    }
    reference(true)
    change(events)
    return {
      change,
      ref: () => reference(true),
      unref: () => reference(false),
      close: () => {
        this.#onReady = undefined
        reference(false)
      },
    }
  }

  #acknowledge(count: number, isWhole = true): void {
    const taken = this.#incoming.taken(count, isWhole)
    if (taken) this.#connection.send(Socket.taken, taken)
  }

  get #ready(): Events {
    const readable = this.#events.readable && (this.#arrived.length > 0 || this.#isEnded)
    const writable = this.#events.writable && (this.#outgoing.room > 0 || this.#isGone)
    return { readable, writable }
  }

  /** Reports that the port is ready, in a later turn of the event loop, and again as long as it is. */
  #announce(): void {
    const { readable, writable } = this.#ready
    if (this.#isDue || !this.#onReady || !(readable || writable)) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      const ready = this.#ready
      if (ready.readable || ready.writable) this.#onReady?.(ready)
      this.#announce()
    })
  }

  #updateHold(): void {
    const on = this.#isReferenced && (this.#events.readable || this.#events.writable)
    if (on !== this.#isHeld) this.#connection.hold(on)
    this.#isHeld = on
  }
}
