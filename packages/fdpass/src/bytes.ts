import { constants } from 'node:os'
import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

const NO_ROOM = -constants.errno.EAGAIN
/** malloc maps memory of this size by itself, whatever it has seen so far: the advice ends with it. See mallopt(3), M_MMAP_THRESHOLD. */
const MAPPED_BYTES = 1 << 25

// What is no buffer may be nothing at all (`?.`): the addon refuses both.

/**
 * Reads bytes, as read(2). On a socket that carries descriptors use
 * `receiveMessage`: a plain read drops them.
 *
 * @returns how many bytes are now at `buffer[offset]`; 0 at the end of the file
 * @throws TypeError for what is no buffer, RangeError for what is no part of it; the kernel's error, `EAGAIN` where a non-blocking file has nothing
 */
export function read(
  handle: Handle,
  buffer: Uint8Array,
  offset = 0,
  length: number = buffer?.byteLength - offset,
): number {
  return checked(binding.read(descriptorNumber(handle), buffer, offset, length), 'read')
}

/**
 * Writes bytes, as write(2); a peer that is gone is `EPIPE`, never a signal.
 *
 * @returns how many bytes were taken
 * @throws TypeError for what is no buffer, RangeError for what is no part of it; the kernel's error, `EAGAIN` where a non-blocking file takes none
 */
export function write(
  handle: Handle,
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes?.byteLength - offset,
): number {
  return checked(binding.write(descriptorNumber(handle), bytes, offset, length), 'write')
}

/**
 * Writes bytes as `write` does, but throws nothing when there is no room: for those who write all the time.
 *
 * @returns how many bytes were taken; -1 where a non-blocking file takes none
 * @throws TypeError for what is no buffer, RangeError for what is no part of it; the kernel's error
 */
export function tryWrite(
  handle: Handle,
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes?.byteLength - offset,
): number {
  const taken = binding.write(descriptorNumber(handle), bytes, offset, length)
  return taken === NO_ROOM ? -1 : checked(taken, 'write')
}

/**
 * Memory to receive into. From 32 MiB on it is of huge pages where the system has them,
 * by madvise(2): each takes one page fault and is cleared at once, where without there are 512.
 *
 * @param size - in bytes
 * @returns not initialised, and the caller's
 * @throws RangeError for more than a buffer can have
 */
export function receiveBuffer(size: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(size)
  if (size >= MAPPED_BYTES) binding.adviseHugePages(buffer, 0, size) // where it cannot be, pages are as ever
  return buffer
}
