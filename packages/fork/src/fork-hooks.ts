/** Kept on the global object, so that every copy of this package in a process shares them. */
const key = Symbol.for('anyfork.afterFork')
const shared = globalThis as unknown as Record<symbol, Set<() => void> | undefined>
const callbacks = (shared[key] ??= new Set())

/**
 * Calls back in every process that is forked from this one from now on, before
 * anything else happens there: the place to let go of what must not be shared.
 *
 * @returns undoes it
 */
export function afterFork(callback: () => void): () => void {
  callbacks.add(callback)
  return () => callbacks.delete(callback)
}

/** Calls all that `afterFork` was given. */
export function callAfterFork(): void {
  for (const callback of callbacks) callback()
}
