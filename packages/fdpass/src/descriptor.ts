import { Socket } from 'node:net'
import { constants } from 'node:os'
import { binding } from './binding.js'
import { anInteger, checkArgument, describeValue } from './check-options.js'
import { descriptorNumber, type Handle, isDescriptorNumber, MOST_NUMBER } from './handle.js'
import { forgetDescriptor } from './kept-descriptors.js'
import { isListening } from './socket-kind.js'
import { checked, systemError } from './system-error.js'

const aNumberOfSlots = anInteger(1, 1 << 16)

/**
 * An open file descriptor and the right to close it.
 *
 * A number alone is not safe: as soon as a descriptor is closed, the kernel gives its number to the next file. A
 * `Descriptor` knows whether it still owns its number. A second `close()`, or any use after `release()`, throws `EBADF`
 * and touches no other file.
 *
 * Neither garbage collection nor the end of a worker thread closes it. Its watches end right before it is closed or
 * released.
 */
export class Descriptor implements Disposable {
  #fd: number

  /**
   * Takes over an open descriptor.
   *
   * @param fd - its number; from now on this object closes it
   * @throws TypeError if `fd` is not an integer from 0 to 2147483647
   */
  constructor(fd: number) {
    if (!isDescriptorNumber(fd))
      throw new TypeError(`a file descriptor must be an integer from 0 below 2 ** 31, not ${describeValue(fd)}`)
    this.#fd = fd
  }

  /**
   * The number.
   *
   * @throws SystemError `EBADF` if this object no longer owns a descriptor
   */
  get fd(): number {
    if (this.#fd < 0) throw systemError(-constants.errno.EBADF, 'descriptor closed or handed over')
    return this.#fd
  }

  /** Reports whether this object owns an open descriptor. */
  get isOpen(): boolean {
    return this.#fd >= 0
  }

  /**
   * Gives up ownership without closing the descriptor.
   *
   * @returns the number; from now on the caller closes it
   * @throws SystemError `EBADF` if this object no longer owns a descriptor
   */
  release(): number {
    const fd = this.#disown()
    forgetDescriptor(fd)
    return fd
  }

  /**
   * Closes the descriptor with close(2).
   *
   * @throws SystemError `EBADF` if this object no longer owns a descriptor
   */
  close(): void {
    checked(binding.close(this.#disown()), 'close')
  }

  /**
   * Hands the descriptor over to a new `net.Socket`, which makes it non-blocking. Works for stream sockets and pipes.
   *
   * @throws TypeError if the descriptor is a listening socket, which can neither be read nor written; this object then
   *   still owns it
   * @throws SystemError `EBADF` if this object no longer owns a descriptor
   */
  toSocket(): Socket {
    const fd = this.fd
    if (isListening(fd))
      throw new TypeError(
        'the socket listens: accept() its connections, or net.createServer().listen({ fd: descriptor.release() })',
      )
    endAll(this)
    forgetDescriptor(fd) // first: the socket would close it a second time
    const socket = new Socket({ fd, readable: true, writable: true })
    this.#fd = -1
    return socket
  }

  #disown(): number {
    const fd = this.fd
    endAll(this)
    this.#fd = -1
    return fd
  }

  /** Closes the descriptor if this object still owns it. */
  [Symbol.dispose](): void {
    if (this.isOpen) this.close()
  }
}

/**
 * Creates another descriptor for the same open file, with dup(2). It is close-on-exec.
 *
 * @param handle - borrowed
 * @returns the new descriptor; the caller owns it
 * @throws SystemError `EMFILE` if the descriptor table is full; `EBADF`
 */
export function dup(handle: Handle): Descriptor {
  return new Descriptor(checked(binding.duplicate(descriptorNumber(handle)), 'dup'))
}

/**
 * Checks that the descriptor table has room. Call this before you begin something that takes several slots and would
 * have to be undone if it failed halfway.
 *
 * @param slots - how many descriptors you want to open, from 1 to 65536
 * @throws TypeError if `slots` is invalid
 * @throws SystemError `EMFILE` or `ENFILE` if there is no room for so many
 */
export function checkRoom(slots: number): void {
  checkArgument('the number of slots of checkRoom()', slots, aNumberOfSlots)
  checked(binding.checkRoom(slots), 'checkRoom')
}

/**
 * Makes a number refer to the same open file as a handle, in one step, with dup3(2). A file that had the number is
 * closed; whatever owned it must not use or close it any more.
 *
 * The new descriptor is close-on-exec, like every other of this package. The standard streams, 0 to 2, are not: each
 * program expects them open. The number need not be free, and an error leaves it as it was.
 *
 * @param handle - borrowed
 * @param number - from 0, below the limit of open files (`ulimit -n`)
 * @returns the new descriptor; the caller owns it. It may drop the one of a standard stream, which then stays open
 * @throws TypeError if `number` is not an integer from 0 to 2147483647
 * @throws SystemError `EINVAL` if the handle has that number already: the file would have two owners. `EBADF` if the
 *   handle is closed or the number too high. `EBUSY` if the event loop of this thread watches the number, for a `Watch`
 *   or a stream: it would go on watching the other file
 */
export function dup2(handle: Handle, number: number): Descriptor {
  checkArgument('number', number, anInteger(0, MOST_NUMBER))
  return new Descriptor(checked(binding.duplicateTo(descriptorNumber(handle), number), 'dup3'))
}

/**
 * Reports whether reads and writes return `EAGAIN` instead of waiting (`O_NONBLOCK`). The flag belongs to the open
 * file, not to the descriptor.
 *
 * @param handle - borrowed
 * @throws SystemError `EBADF`
 */
export function isNonblocking(handle: Handle): boolean {
  return checked(binding.getNonblocking(descriptorNumber(handle)), 'fcntl') === 1
}

/**
 * Sets or clears `O_NONBLOCK` for all descriptors of the open file, including those of other processes.
 *
 * @param handle - borrowed
 * @param on - `true` for non-blocking
 * @throws TypeError if `on` is not a boolean
 * @throws SystemError `EBADF`
 */
export function setNonblocking(handle: Handle, on: boolean): void {
  checked(binding.setNonblocking(descriptorNumber(handle), on), 'fcntl')
}

/**
 * Reports whether execve(2) closes the descriptor (`FD_CLOEXEC`).
 *
 * @param handle - borrowed
 * @throws SystemError `EBADF`
 */
export function isCloseOnExec(handle: Handle): boolean {
  return checked(binding.getCloseOnExec(descriptorNumber(handle)), 'fcntl') === 1
}

/**
 * Sets or clears `FD_CLOEXEC` for this descriptor only.
 *
 * @param handle - borrowed
 * @param on - `true` for close-on-exec
 * @throws TypeError if `on` is not a boolean
 * @throws SystemError `EBADF`
 */
export function setCloseOnExec(handle: Handle, on: boolean): void {
  checked(binding.setCloseOnExec(descriptorNumber(handle), on), 'fcntl')
}

/**
 * Makes the kernel send SIGIO to a process whenever the descriptor becomes ready (`F_SETOWN` and `O_ASYNC`), or ends
 * this. The setting belongs to the open file, like `O_NONBLOCK`. **Listen for the signal first:** by default, SIGIO
 * kills the process.
 *
 * One signal may stand for many events: at each, read until `EAGAIN`. A program with an event loop seldom needs this, see
 * `watch`.
 *
 * @param handle - a socket, pipe, or tty; borrowed
 * @param pid - the process that gets the signals; 0 ends them
 * @throws TypeError if `pid` is not an integer from 0 to 2147483647
 * @throws SystemError `ESRCH` if there is no such process; `EBADF`. Nothing has changed.
 */
export function setAsyncOwner(handle: Handle, pid: number): void {
  checkArgument('pid', pid, anInteger(0, MOST_NUMBER))
  checked(binding.setAsyncOwner(descriptorNumber(handle), pid), 'fcntl')
}

/**
 * Callbacks that run before a Descriptor is closed or released. Few Descriptors have any, so they have no field for
 * them.
 */
const endings = new WeakMap<object, Set<() => void>>()

/**
 * Registers a callback that runs right before a Descriptor is closed or released.
 *
 * @param end - must not throw
 * @returns removes the callback
 */
export function endBeforeClose(descriptor: object, end: () => void): () => void {
  let ends = endings.get(descriptor)
  if (!ends) endings.set(descriptor, (ends = new Set()))
  ends.add(end)
  return () => void ends.delete(end)
}

function endAll(descriptor: object): void {
  const ends = endings.get(descriptor)
  if (!ends) return
  for (const end of ends) end()
  endings.delete(descriptor)
}
