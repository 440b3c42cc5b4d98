import { Descriptor } from '@anyfork/fdpass'
import { disposeAll } from '../wire/dispose-all.js'
import type { Attachments } from '../wire/frame-reader.js'
import { isPlain } from './is-plain.js'
import { PassedDescriptor } from './passed-descriptor.js'

/** Closes the passed descriptors among values that will not be sent. Never throws. */
export function dropDescriptors(values: readonly unknown[]): void {
  if (!PassedDescriptor.areWaiting) return
  for (const passed of descriptorsAmong(values)) if (passed.isWaiting) passed.release().close()
}

/** Closes the descriptors of a frame that is not wanted, and refuses its streams. */
export function discardAttachments(attachments: Attachments, streams: { refuse(ids: readonly number[]): void }): void {
  disposeAll(attachments.descriptors)
  streams.refuse(streamsIn(attachments))
}

/** Returns the IDs of the streams that a message announces. */
export function streamsIn({ notes }: Attachments): number[] {
  return notes.flatMap(note => (note[0] === 'stream' ? [note[2]] : []))
}

/** Closes the descriptors among values that have arrived and will not be used. */
export function closeDescriptors(values: readonly unknown[]): void {
  for (const descriptor of amongValues(values, Descriptor)) descriptor[Symbol.dispose]()
}

/** Returns the passed descriptors within arrays and plain objects. */
function descriptorsAmong(values: readonly unknown[]): Set<PassedDescriptor> {
  return amongValues(values, PassedDescriptor)
}

function amongValues<T extends object>(
  values: readonly unknown[],
  Class: abstract new (...args: never[]) => T,
): Set<T> {
  const seen = new Set<unknown>()
  const found = new Set<T>()
  const search = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (value instanceof Class) found.add(value)
    else partsOf(value).forEach(search)
  }
  values.forEach(search)
  return found
}

/** Returns the parts of an array or a plain object. */
function partsOf(value: object): unknown[] {
  try {
    return isPlain(value) ? Object.values(value) : []
  } catch {
    return []
  }
}
