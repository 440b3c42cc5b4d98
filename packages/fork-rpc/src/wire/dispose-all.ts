import type { Descriptor } from '@anyfork/fdpass'

/** Closes those of the descriptors that are still open. */
export function disposeAll(descriptors: readonly Descriptor[]): void {
  for (const descriptor of descriptors) descriptor[Symbol.dispose]()
}
