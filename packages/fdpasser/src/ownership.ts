import { closeSync } from 'node:fs'
import { Descriptor, dup, type Handle } from '@anyfork/fdpass'

/** What is ours from now on: numbers and `Descriptor`s themselves, of anything else a duplicate. */
export function takeOver(handle: Handle): Descriptor {
  if (handle instanceof Descriptor) return new Descriptor(handle.release())
  return typeof handle === 'number' ? new Descriptor(handle) : dup(handle)
}

/** Closes whatever has a descriptor, as it wants to be closed. */
export function closeHandle(handle: Handle): void {
  if (handle instanceof Descriptor) return handle[Symbol.dispose]()
  if (typeof handle === 'number') {
    try {
      return closeSync(handle)
    } catch {
      return // it was closed by somebody else, and the sending has failed for it
    }
  }
  const { destroy, close } = handle as { destroy?(): unknown; close?(): unknown }
  const closing: unknown = destroy ? destroy.call(handle) : close?.call(handle)
  if (closing instanceof Promise) closing.catch(() => {})
}
