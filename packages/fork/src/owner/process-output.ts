import { Socket, type SocketConstructorOpts } from 'node:net'
import { Readable } from 'node:stream'
import type { Descriptor } from '@anyfork/fdpass'

/** How much of the output of a process that has ended is kept in memory, in bytes: as much as a pipe can hold. */
const MOST_KEPT_BYTES = 1 << 20

/** An option that Node's own streams have: nothing is read before it is asked for. */
type Options = SocketConstructorOpts & { manualStart: boolean }

/**
 * The output of a process. It keeps this program running only once code reads it.
 *
 * A pipe that no code reads would take a descriptor for ever. So when the process has ended, the rest of its output is
 * kept in memory.
 */
export class ProcessOutput extends Readable {
  readonly #socket: Socket
  #wasRead = false
  /** How many bytes may still be received although no code asks for them. */
  #room = 0

  /** @param end - the end of the pipe to read from; owned by the stream from now on */
  constructor(end: Descriptor) {
    super()
    const options: Options = { fd: end.release(), readable: true, writable: false, manualStart: true }
    this.#socket = new Socket(options)
    this.#socket
      .pause() // first: a listener of 'data' would begin to read
      .on('data', bytes => this.#receive(bytes))
      .on('end', () => this.push(null))
      .on('error', error => this.destroy(error))
      .on('close', () => this.push(null))
  }

  /** Call this when the process has ended. */
  keepRest(): void {
    if (!this.#wasRead) this.#socket.unref() // other processes may still write
    this.#room = MOST_KEPT_BYTES
    this.#socket.resume()
  }

  /** Calls a function once the pipe is closed, although code may not have read what has come. */
  onceClosed(call: () => void): void {
    this.#socket.once('close', call)
  }

  override _read(): void {
    if (!this.#wasRead) this.#socket.ref()
    this.#wasRead = true
    this.#socket.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy()
    callback(error)
  }

  #receive(bytes: Buffer): void {
    this.#room -= bytes.length
    if (!this.push(bytes) && this.#room < 0) this.#socket.pause()
  }
}
