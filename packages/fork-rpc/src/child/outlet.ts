import { serialize } from 'node:v8'
import { write, type Descriptor } from '@anyfork/fdpass'
import { toPlainError } from '@anyfork/fork/error-codec'
import { FrameQueue, Kind } from '../frame.js'
import type { Serialiser } from '../serialiser.js'

/** So many bytes of answers may wait for those that follow at once. */
const MOST_BYTES = 65536

/** Frames on their way to the caller, over a blocking socket. */
export class Outlet {
  readonly #socket: Descriptor
  readonly #queue = new FrameQueue()
  readonly #serialiser: Serialiser

  constructor(socket: Descriptor, serialiser: Serialiser) {
    this.#socket = socket
    this.#serialiser = serialiser
  }

  ready(): void {
    this.#queue.add(Kind.ready, 0)
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
    this.flush()
  }

  fatal(error: unknown): void {
    this.#add(Kind.fatal, 0, serialize(toPlainError(error, isClonable)))
    this.flush()
  }

  /** Writes all that waits, and waits itself while the caller does not read. */
  flush(): void {
    while (this.#queue.length) this.#queue.drop(write(this.#socket, this.#queue.bytes))
  }

  #add(kind: number, id: number, bytes: Uint8Array): void {
    this.#queue.add(kind, id, bytes)
    if (this.#queue.length >= MOST_BYTES) this.flush()
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
