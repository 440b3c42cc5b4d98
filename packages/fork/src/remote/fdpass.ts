/**
 * What `@anyfork/fdpass` is in a remote process, which has no addon: the bundler puts this file in its place. The only
 * socket is that of the function, a `Port`.
 */
import { constants } from 'node:os'
import { systemError } from '@anyfork/fdpass/internal'
import type { Port, PortWatch } from './port.js'

/** What remote code may take for a descriptor. */
export class Descriptor {
  #isOpen = true

  get isOpen(): boolean {
    return this.#isOpen
  }

  close(): void {
    this.#isOpen = false
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.close()
  }
}

export const MAX_DESCRIPTORS = 0

export function receiveBuffer(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size)
}

/** @throws always: descriptors cannot be sent over a connection */
export function dup(): never {
  throw Object.assign(new Error('descriptors cannot be sent: the process is remote'), { code: 'ERR_REMOTE' })
}

/** @throws always */
export function sendMessage(): never {
  dup()
}

/** As in @anyfork/fdpass: returns how many bytes were written, or -1. */
export function tryWrite(port: Port, bytes: Uint8Array, offset: number, length: number): number {
  const written = port.write(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length))
  return written || length === 0 ? written : -1
}

export function setNonblocking(port: Port, on: boolean): void {
  port.isBlocking = !on
}

/** As in @anyfork/fdpass. No descriptors ever come. */
export class StreamReceiver {
  readonly descriptors: Descriptor[] = []
  takesDescriptors = false
  readonly #port: Port

  constructor(port: Port) {
    this.#port = port
  }

  receive(buffer: Uint8Array, offset = 0): number {
    return this.#port.read(buffer, offset)
  }
}

interface Events {
  readable?: boolean
  writable?: boolean
}

/** As in @anyfork/fdpass: the port becomes non-blocking. */
export function watch(port: Port, events: Events, onReady: (ready: Required<Events>) => void): PortWatch {
  port.isBlocking = false
  return port.watch(events, onReady)
}

/** For code that handles the errors of the kernel. */
export function brokenPipe(): Error {
  return systemError(-constants.errno.EPIPE, 'write')
}
