import { closeSync } from 'node:fs'
import { Server } from 'node:net'
import { Descriptor, dup, type Handle, keepPath } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'

/** What is ours from now on: numbers and `Descriptor`s themselves, of anything else a duplicate. */
export function takeOver(handle: Handle): Descriptor {
  if (handle instanceof Descriptor) return new Descriptor(handle.release())
  return typeof handle === 'number' ? new Descriptor(handle) : dup(handle)
}

/** Closes what was sent. A server's socket file stays, for the receiver to be reached. */
export function closeSent(handle: Handle): void {
  try {
    if (handle instanceof Server && handle.listening) keepPath(handle)
  } catch {
    // its descriptor was closed by somebody else
  }
  closeHandle(handle)
}

/** Closes whatever has a descriptor, as it wants to be closed. */
export function closeHandle(handle: Handle): void {
  if (typeof handle === 'number' || handle instanceof Descriptor) {
    try {
      return typeof handle === 'number' ? closeSync(handle) : handle[Symbol.dispose]()
    } catch {
      return // it was closed by somebody else, by its number
    }
  }
  const { destroy, close } = handle as { destroy?(): unknown; close?(): unknown }
  const closing: unknown = destroy ? destroy.call(handle) : close?.call(handle)
  if (closing instanceof Promise) closing.catch(() => {})
}

/**
 * Takes over both ends of a connection, or none.
 *
 * @throws as `takeOver`; TypeError where both are one
 */
export function takeOverBoth(ends: readonly [Handle, Handle]): Descriptor[] {
  const [first, second] = ends
  if (descriptorNumber(first) === descriptorNumber(second))
    throw new TypeError('a connection has two ends, not the same twice')
  const isBorrowed = (end: Handle): boolean => typeof end === 'object' && !(end instanceof Descriptor)
  // Those that are duplicated come first: only that may fail.
  if (!isBorrowed(second)) return [takeOver(first), takeOver(second)]
  const copy = takeOver(second)
  try {
    return [takeOver(first), copy]
  } catch (error) {
    copy.close()
    throw error
  }
}
