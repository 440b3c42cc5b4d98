import { constants } from 'node:os'
import { binding } from './binding.js'
import { anInteger, checkArgument } from './check-options.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

const NO_ROOM = -constants.errno.EAGAIN
/**
 * At this size malloc always maps separate memory, so the advice about huge pages ends when the buffer is freed. See
 * mallopt(3), M_MMAP_THRESHOLD.
 */
const MAPPED_BYTES = 1 << 25
/** What a pipe holds by default, see pipe(7). */
const SPLICE_BYTES = 1 << 16
const aSpliceLength = anInteger(1, 0xffffffff)

// A caller may pass `undefined` as the buffer (hence `?.`). The addon rejects everything that is not a buffer.

/**
 * Reads bytes with read(2). On a socket that carries descriptors, use `receiveMessage` instead: the kernel discards the
 * descriptors that come with bytes read by read(2).
 *
 * @param handle - the file to read from; borrowed
 * @param buffer - receives the bytes
 * @param offset - where the bytes go, counted in bytes from the start of `buffer`
 * @param length - the largest number of bytes to read
 * @returns the number of bytes read; 0 at the end of the file
 * @throws TypeError if `buffer` is not a Buffer or typed array
 * @throws RangeError if `offset` and `length` reach beyond `buffer`
 * @throws SystemError `EAGAIN` if a non-blocking file has nothing to read; other errors of read(2)
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
 * Writes bytes with write(2). If the peer is gone, the call throws `EPIPE`; the process never gets a SIGPIPE.
 *
 * @param handle - the file to write to; borrowed
 * @param bytes - the buffer to write from
 * @param offset - the first byte to write, counted from the start of `bytes`
 * @param length - the number of bytes to write
 * @returns the number of bytes that the file accepted
 * @throws TypeError if `bytes` is not a Buffer or typed array
 * @throws RangeError if `offset` and `length` reach beyond `bytes`
 * @throws SystemError `EAGAIN` if a non-blocking file has no room; `EPIPE` if the peer is gone; other errors of
 *   write(2)
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
 * Writes bytes like `write`, but returns -1 instead of throwing `EAGAIN`. Use it in hot loops.
 *
 * @param handle - the file to write to; borrowed
 * @param bytes - the buffer to write from
 * @param offset - the first byte to write, counted from the start of `bytes`
 * @param length - the number of bytes to write
 * @returns the number of bytes that the file accepted; -1 if a non-blocking file has no room
 * @throws TypeError if `bytes` is not a Buffer or typed array
 * @throws RangeError if `offset` and `length` reach beyond `bytes`
 * @throws SystemError `EPIPE` if the peer is gone; other errors of write(2)
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
 * Moves bytes between a pipe and another file within the kernel, with splice(2): the process never has them in its
 * memory. So if it is killed, at any moment, each byte is still in exactly one of the two files. Linux only.
 *
 * @param from - the file to read from; borrowed
 * @param to - the file to write to; borrowed. One of the two must be a pipe
 * @param length - the largest number of bytes to move, below 2 ** 32
 * @returns the number of bytes moved; 0 at the end of `from`
 * @throws TypeError if `length` is invalid
 * @throws SystemError `EAGAIN` if `from` is empty, or `to` has no room. Pipes never wait, but a blocking socket does:
 *   `watch` makes it non-blocking. `EPIPE` or `ECONNRESET` if the peer is gone; `EINVAL` if neither is a pipe, or one
 *   of a kind that cannot be spliced; `ENOSYS` on other systems than Linux
 */
export function splice(from: Handle, to: Handle, length: number = SPLICE_BYTES): number {
  checkArgument('the length of splice()', length, aSpliceLength)
  return checked(binding.splice(descriptorNumber(from), descriptorNumber(to), length), 'splice')
}

/**
 * Allocates a buffer for receiving. From 32 MiB on, it asks for huge pages with madvise(2). A huge page takes one page
 * fault, where ordinary pages of the same size take 512.
 *
 * @param size - in bytes
 * @returns an uninitialised buffer
 * @throws RangeError if `size` is negative or larger than a Buffer can be
 */
export function receiveBuffer(size: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(size)
  if (size >= MAPPED_BYTES) binding.adviseHugePages(buffer, 0, size) // on failure, the pages stay ordinary ones
  return buffer
}
