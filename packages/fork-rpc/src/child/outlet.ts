import { serialize } from 'node:v8'
import { setNonblocking, write, type Descriptor } from '@anyfork/fdpass'
import { toPlainError } from '@anyfork/fork/error-codec'
import { FrameQueue, Kind } from '../frame.js'
import type { Serialiser } from '../serialiser.js'

/** Frames on their way to the caller, in the order in which they were made. */
export class Outlet {
  readonly #socket: Descriptor
  readonly #queue = new FrameQueue()
  readonly #serialiser: Serialiser
  readonly #onFrame: () => void

  /**
   * @param socket - borrowed
   * @param onFrame - called after each frame: decides when it is written
   */
  constructor(socket: Descriptor, serialiser: Serialiser, onFrame: () => void) {
    this.#socket = socket
    this.#serialiser = serialiser
    this.#onFrame = onFrame
  }

  /** How many bytes wait. */
  get waiting(): number {
    return this.#queue.length
  }

  ready(): void {
    this.#add(Kind.ready, 0)
  }

  result(id: number, value: unknown): void {
    let bytes
    try {
      bytes = this.#serialiser.encode([value])
    } catch (error) {
      return this.error(id, error)
    }
    this.#add(Kind.result, id, bytes)
  }

  error(id: number, error: unknown): void {
    this.#add(Kind.error, id, serialize(toPlainError(error, isClonable)))
  }

  event(values: unknown[]): void {
    this.#add(Kind.event, 0, this.#serialiser.encode(values))
  }

  fatal(error: unknown): void {
    this.#add(Kind.fatal, 0, serialize(toPlainError(error, isClonable)))
  }

  /** Writes what the kernel takes; false when it is full. */
  writeSome(): boolean {
    try {
      while (this.#queue.length) this.#queue.drop(write(this.#socket, this.#queue.bytes))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false
      throw error
    }
  }

  /** Writes all that waits, and waits itself while the caller does not read. */
  writeAll(): void {
    if (this.writeSome()) return
    setNonblocking(this.#socket, false)
    try {
      this.writeSome()
    } finally {
      setNonblocking(this.#socket, true)
    }
  }

  #add(kind: number, id: number, bytes?: Uint8Array): void {
    this.#queue.add(kind, id, bytes)
    this.#onFrame()
  }
}

function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
