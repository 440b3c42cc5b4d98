import { Socket } from 'node:net'
import { binding } from './binding.js'
import { descriptorNumber, type Handle, isDescriptorNumber } from './handle.js'
import { isListening } from './socket-kind.js'
import { checked, systemError } from './system-error.js'

/**
 * An open file descriptor and the right to close it.
 *
 * A number alone cannot tell whether it still means what it meant: once closed,
 * it is given to the next file opened. A Descriptor can, so that closing it
 * twice, or using it after it was handed over, throws `EBADF` and touches
 * nothing. It is not closed by garbage collection. When it is closed or handed over,
 * its watches end first.
 */
export class Descriptor implements Disposable {
  #fd: number

  /**
   * Takes over an open descriptor.
   *
   * @param fd - its number; from now on this object closes it
   */
  constructor(fd: number) {
    if (!isDescriptorNumber(fd))
      throw new TypeError(`a file descriptor is an integer from 0 below 2 ** 31, not ${String(fd)}`)
    this.#fd = fd
  }

  /** The number. Throws `EBADF` once this object no longer owns it. */
  get fd(): number {
    if (this.#fd < 0) throw systemError(-9, 'descriptor closed or handed over')
    return this.#fd
  }

  /** Whether this object owns an open descriptor. */
  get isOpen(): boolean {
    return this.#fd >= 0
  }

  /** Hands the number over: the caller closes it from now on. Throws `EBADF` when it is no longer owned. */
  release(): number {
    const fd = this.fd
    endAll(this)
    this.#fd = -1
    return fd
  }

  /** Closes it, as close(2). Throws `EBADF` when it was closed or handed over before. */
  close(): void {
    checked(binding.close(this.release()), 'close')
  }

  /**
   * Hands it over to a new `net.Socket`, which makes it non-blocking. For stream sockets and pipes.
   *
   * @throws TypeError for a socket that listens: nothing could be read from it or written to it
   */
  toSocket(): Socket {
    const fd = this.fd
    if (isListening(fd))
      throw new TypeError(
        'the socket listens: accept() its connections, or net.createServer().listen({ fd: descriptor.release() })',
      )
    endAll(this)
    const socket = new Socket({ fd, readable: true, writable: true })
    this.#fd = -1
    return socket
  }

  /** Closes it unless that has been done. */
  [Symbol.dispose](): void {
    if (this.isOpen) this.close()
  }
}

/** Makes a second descriptor for the same open file, close-on-exec, as dup(2). The caller owns both. */
export function dup(handle: Handle): Descriptor {
  return new Descriptor(checked(binding.duplicate(descriptorNumber(handle)), 'dup'))
}

/** Whether reads and writes return `EAGAIN` instead of waiting. The flag belongs to the open file, not to the number. */
export function isNonblocking(handle: Handle): boolean {
  return checked(binding.getNonblocking(descriptorNumber(handle)), 'fcntl') === 1
}

/** Sets or clears `O_NONBLOCK`, for all who share the open file, in other processes also. */
export function setNonblocking(handle: Handle, on: boolean): void {
  checked(binding.setNonblocking(descriptorNumber(handle), on), 'fcntl')
}

/** Whether the descriptor is closed in a process that calls execve(2). */
export function isCloseOnExec(handle: Handle): boolean {
  return checked(binding.getCloseOnExec(descriptorNumber(handle)), 'fcntl') === 1
}

/** Sets or clears `FD_CLOEXEC`, for this number only. */
export function setCloseOnExec(handle: Handle, on: boolean): void {
  checked(binding.setCloseOnExec(descriptorNumber(handle), on), 'fcntl')
}

/** What is to end with a Descriptor. Few have anything, and those that do are not kept by it. */
const endings = new WeakMap<object, Set<() => void>>()

/**
 * Lets something end right before a Descriptor is closed or handed over.
 *
 * @param end - must not throw
 * @returns undoes it
 */
export function endBeforeClose(descriptor: object, end: () => void): () => void {
  let ends = endings.get(descriptor)
  if (!ends) endings.set(descriptor, (ends = new Set()))
  ends.add(end)
  return () => void ends.delete(end)
}

/** A Descriptor is about to be closed or handed over. */
export function endAll(descriptor: object): void {
  const ends = endings.get(descriptor)
  if (!ends) return
  for (const end of ends) end()
  endings.delete(descriptor)
}
