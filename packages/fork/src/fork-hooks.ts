/** What is called around forks: before, in the process that is about to fork; after, in the new one. */
interface Hooks {
  before: Set<Hook>
  after: Set<Hook>
}

/** It may return a promise, which is waited for. */
export type Hook = () => void | Promise<void>

/** Kept on the global object, so that every copy of this package in a process shares them. */
const key = Symbol.for('anyfork.hooks')
const hooks = ((globalThis as unknown as Record<symbol, Hooks | undefined>)[key] ??= { before: new Set(), after: new Set() })

/**
 * Calls back in this process before each fork, one after the other: the place to close
 * what must not be shared. What it throws fails that fork.
 *
 * @returns undoes it
 */
export function beforeFork(hook: Hook): () => void {
  return add(hooks.before, hook)
}

/**
 * Calls back in every process that is forked from this one from now on, one after the
 * other and before anything else happens there: the place to let go of what must not be
 * shared, and to renew seeds. What it throws is the error of that process, which ends.
 *
 * @returns undoes it
 */
export function afterFork(hook: Hook): () => void {
  return add(hooks.after, hook)
}

/** Calls all hooks of one kind, in the order in which they were added. */
export async function callHooks(when: keyof Hooks): Promise<void> {
  for (const hook of hooks[when]) await hook()
}

function add(to: Set<Hook>, hook: Hook): () => void {
  if (typeof hook !== 'function') throw new TypeError('a hook is a function')
  to.add(hook)
  return () => to.delete(hook)
}
