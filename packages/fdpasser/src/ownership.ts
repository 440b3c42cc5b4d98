import { closeSync } from 'node:fs'
import { Server } from 'node:net'
import { Descriptor, dup, type Handle, keepPath } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'

/** Takes over a number or a `Descriptor`; duplicates any other handle. Returns a descriptor that the passer owns. */
export function takeOver(handle: Handle): Descriptor {
  if (handle instanceof Descriptor) return new Descriptor(handle.release())
  return typeof handle === 'number' ? new Descriptor(handle) : dup(handle)
}

/** Closes a handle after it was sent. Keeps the socket file of a server, so that clients can reach the receiver. */
export function closeSent(handle: Handle): void {
  try {
    if (handle instanceof Server && handle.listening) keepPath(handle)
  } catch {
    // other code has closed the server's descriptor
  }
  closeHandle(handle)
}

/** Closes a handle with the method that its type provides. */
export function closeHandle(handle: Handle): void {
  if (typeof handle === 'number' || handle instanceof Descriptor) {
    try {
      return typeof handle === 'number' ? closeSync(handle) : handle[Symbol.dispose]()
    } catch {
      return // other code has closed it by its number
    }
  }
  const { destroy, close } = handle as { destroy?(): unknown; close?(): unknown }
  const closing: unknown = destroy ? destroy.call(handle) : close?.call(handle)
  if (closing instanceof Promise) closing.catch(() => {})
}

/**
 * Takes over both ends of a connection, or neither.
 *
 * @throws TypeError if both ends are the same descriptor
 * @throws SystemError `EBADF` if an end is not open; `EMFILE` if an end must be duplicated and the table is full
 */
export function takeOverBoth(ends: readonly [Handle, Handle]): Descriptor[] {
  const [first, second] = ends
  if (descriptorNumber(first) === descriptorNumber(second))
    throw new TypeError('the two ends of a connection must not be the same descriptor')
  const isBorrowed = (end: Handle): boolean => typeof end === 'object' && !(end instanceof Descriptor)
  // Duplicate first: only that can fail.
  if (!isBorrowed(second)) return [takeOver(first), takeOver(second)]
  const copy = takeOver(second)
  try {
    return [takeOver(first), copy]
  } catch (error) {
    copy.close()
    throw error
  }
}
