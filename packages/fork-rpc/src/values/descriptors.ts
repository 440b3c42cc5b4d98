import { Descriptor } from '@anyfork/fdpass'
import { isPlain } from './is-plain.js'
import { PassedDescriptor } from './passed-descriptor.js'
import { isUsedUp } from './used-up.js'

/** Whether values can be sent, once more: no descriptor among them was sent before, and none that can be iterated over only once was begun. */
export function areSendable(values: readonly unknown[]): boolean {
  for (const passed of descriptorsAmong(values)) if (!passed.isWaiting) return false
  return !values.some(value => typeof value === 'object' && value !== null && isUsedUp(value))
}

/** Closes the descriptors among values that were not sent, and will not be. Never throws. */
export function dropDescriptors(values: readonly unknown[]): void {
  if (!PassedDescriptor.areWaiting) return
  for (const passed of descriptorsAmong(values)) if (passed.isWaiting) passed.release().close()
}

/** Closes the descriptors among values that came, and that nobody will have. */
export function closeDescriptors(values: readonly unknown[]): void {
  for (const descriptor of amongValues(values, Descriptor)) descriptor[Symbol.dispose]()
}

/** Wherever they are; what cannot be looked at has none. */
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
    else if (isPlain(value)) partsOf(value).forEach(search)
  }
  values.forEach(search)
  return found
}

function partsOf(value: object): unknown[] {
  try {
    return Object.values(value)
  } catch {
    return []
  }
}
