import { constants } from 'node:os'
import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

const NO_ROOM = -constants.errno.EAGAIN

/**
 * Reads bytes, as read(2). On a socket that carries descriptors use
 * `receiveMessage`: a plain read drops them.
 *
 * @returns how many bytes are now at `buffer[offset]`; 0 at the end of the file
 * @throws RangeError; the kernel's error, `EAGAIN` where a non-blocking file has nothing
 */
export function read(handle: Handle, buffer: Uint8Array, offset = 0, length: number = buffer.byteLength - offset): number {
  return checked(binding.read(descriptorNumber(handle), buffer, offset, length), 'read')
}

/**
 * Writes bytes, as write(2); a peer that is gone is `EPIPE`, never a signal.
 *
 * @returns how many bytes were taken
 * @throws RangeError; the kernel's error, `EAGAIN` where a non-blocking file takes none
 */
export function write(handle: Handle, bytes: Uint8Array, offset = 0, length: number = bytes.byteLength - offset): number {
  return checked(binding.write(descriptorNumber(handle), bytes, offset, length), 'write')
}

/**
 * Writes bytes as `write` does, but throws nothing when there is no room: for those who write all the time.
 *
 * @returns how many bytes were taken; -1 where a non-blocking file takes none
 * @throws RangeError; the kernel's error
 */
export function tryWrite(handle: Handle, bytes: Uint8Array, offset = 0, length: number = bytes.byteLength - offset): number {
  const taken = binding.write(descriptorNumber(handle), bytes, offset, length)
  return taken === NO_ROOM ? -1 : checked(taken, 'write')
}
