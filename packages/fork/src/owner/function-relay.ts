import { Socket as NetSocket } from 'node:net'
import type { Descriptor } from '@anyfork/fdpass'
import { MOST_SOCKET_BYTES, Socket } from '../protocol/remote-frames.js'
import { ReceiveWindow, SendWindow } from '../protocol/window.js'

/** The most bytes that Node reads from a socket at once. */
const MOST_CHUNK_BYTES = 65536

/**
 * Stands in for the function of a remote process: what this program writes to the function's socket goes there in frames,
 * and what comes from there can be read from the socket.
 */
export class FunctionRelay {
  readonly #socket: NetSocket
  readonly #send: (type: number, payload?: Buffer) => void
  readonly #outgoing = new SendWindow()
  readonly #incoming = new ReceiveWindow()
  #hasEnded = false

  /**
   * @param end - the function's end of the socket; owned by the relay from now on
   * @param send - sends a frame
   */
  constructor(end: Descriptor, send: (type: number, payload?: Buffer) => void) {
    this.#send = send
    this.#socket = new NetSocket({ fd: end.release(), readable: true, writable: true, allowHalfOpen: true })
    this.#socket
      .on('data', bytes => this.#forward(bytes))
      .on('end', () => send(Socket.end))
      .on('error', () => {}) // the other end is closed; 'close' follows
      .on('close', () => this.#hasEnded || send(Socket.gone))
      .unref() // the other end keeps this program running, if it should
  }

  /** @throws TypeError if the frame is invalid */
  onFrame(type: number, payload: Buffer): void {
    switch (type) {
      case Socket.bytes:
        this.#incoming.received(payload.length)
        if (!this.#socket.writable) return
        this.#socket.write(this.#socket.writableLength ? copyOf(payload) : payload, error => {
          const taken = error ? undefined : this.#incoming.taken(payload.length)
          if (taken) this.#send(Socket.taken, taken)
        })
        return
      case Socket.end:
        this.#socket.end()
        return
      case Socket.gone:
        this.end()
        return
      default:
        this.#outgoing.onTaken(payload)
        if (this.#outgoing.room >= MOST_CHUNK_BYTES) this.#socket.resume()
    }
  }

  /** Closes the socket, once what has come was written to it. Idempotent. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#socket.destroySoon()
  }

  /** Closes the socket at once. */
  abandon(): void {
    this.#hasEnded = true
    this.#socket.destroy()
  }

  #forward(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MOST_SOCKET_BYTES)
      this.#send(Socket.bytes, bytes.subarray(at, at + MOST_SOCKET_BYTES))
    this.#outgoing.sent(bytes.length)
    if (this.#outgoing.room < MOST_CHUNK_BYTES) this.#socket.pause()
  }
}

/** Copies bytes that will wait: they are a part of what was received at once, all of which would stay in memory. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
