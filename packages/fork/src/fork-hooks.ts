import { aFunction, checkArgument } from '@anyfork/fdpass/internal'

/** What is called around forks: before, in the process that is about to fork; after, in the new one. */
interface Hooks {
  before: Set<BeforeHook>
  after: Set<Hook>
}

/** It may return a promise, which is waited for. */
export type Hook = () => void | Promise<void>

/** It may return, or promise, what is to be called after the fork, in the process that has forked. */
export type BeforeHook = () => unknown

/** Kept on the global object, so that every copy of this package in a process shares them. */
const key = Symbol.for('anyfork.hooks')
const hooks = ((globalThis as unknown as Record<symbol, Hooks | undefined>)[key] ??= {
  before: new Set(),
  after: new Set(),
})

/**
 * Calls back in this process before each fork, one after the other: the place to close
 * what must not be shared, or to come to rest. What it throws fails that fork. Where it
 * returns a function, this is called, in the same process, once the fork is done or has
 * failed; the last one first.
 *
 * @returns undoes it
 */
export function beforeFork(hook: BeforeHook): () => void {
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

/**
 * Calls all hooks of `beforeFork`, in the order in which they were added.
 *
 * @returns calls what they returned, in the opposite order, all of it: the first error is thrown afterwards
 */
export async function callBeforeFork(): Promise<() => Promise<void>> {
  const undos: Hook[] = []
  const undo = async (): Promise<void> => {
    const errors: unknown[] = []
    for (const one of undos.splice(0).reverse()) {
      try {
        await one()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length) throw errors[0]
  }
  try {
    for (const hook of hooks.before) {
      const returned = await hook()
      if (typeof returned === 'function') undos.push(returned as Hook)
    }
  } catch (error) {
    await undo().catch(() => {}) // the first error is told
    throw error
  }
  return undo
}

/** Calls all hooks of `afterFork`, in the order in which they were added. */
export async function callAfterFork(): Promise<void> {
  for (const hook of hooks.after) await hook()
}

function add<H>(to: Set<H>, hook: H): () => void {
  checkArgument('a hook', hook, aFunction)
  to.add(hook)
  return () => to.delete(hook)
}
