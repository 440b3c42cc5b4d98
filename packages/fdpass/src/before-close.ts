/** What is to end with a Descriptor. Few have anything, and those that do are not kept by it. */
const endings = new WeakMap<object, Set<() => void>>()

/**
 * Lets something end right before a Descriptor is closed or handed over.
 *
 * @param end - must not throw
 * @returns undoes it
 */
export function endBeforeClose(descriptor: object, end: () => void): () => void {
  let ends = endings.get(descriptor)
  if (!ends) endings.set(descriptor, (ends = new Set()))
  ends.add(end)
  return () => void ends.delete(end)
}

/** A Descriptor is about to be closed or handed over. */
export function endAll(descriptor: object): void {
  const ends = endings.get(descriptor)
  if (!ends) return
  for (const end of ends) end()
  endings.delete(descriptor)
}
