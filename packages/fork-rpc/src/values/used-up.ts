const begun = new WeakSet<object>()

/** Records that iteration over a source begins. */
export function markBegun(source: object): void {
  begun.add(source)
}

/**
 * Reports whether iterating over a source again would not yield all of its values: iteration has begun, and the source
 * is an iterator or a stream of Node or of the web, which can be iterated over only once.
 */
export function isUsedUp(source: object): boolean {
  return (
    begun.has(source) &&
    ['next', 'destroy', 'getReader'].some(name => typeof (source as Record<string, unknown>)[name] === 'function')
  )
}
