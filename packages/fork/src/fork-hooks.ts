import { aFunction, checkArgument } from '@anyfork/fdpass/internal'

/** The hooks that are called before a fork, in the process that forks, and after it, in the new process. */
interface Hooks {
  before: Set<BeforeHook>
  after: Set<Hook>
  /** Called when a hook was added or removed. */
  onChange?: () => void
}

/** A hook may return a promise, which is awaited. */
export type Hook = () => void | Promise<void>

/** A hook that may return, or promise, a function to be called after the fork, in the process that has forked. */
export type BeforeHook = () => unknown

/** The hooks are kept on the global object, so that all copies of this package in a process share them. */
const key = Symbol.for('anyfork.hooks')
const hooks = ((globalThis as unknown as Record<symbol, Hooks | undefined>)[key] ??= {
  before: new Set(),
  after: new Set(),
})

/**
 * Adds a hook that is called in this process before each fork: to close what children must not share, or to finish
 * pending work. Hooks are called one after the other, in the order in which they were added. If a hook returns a
 * function, that is called in the same process after the fork, whether it succeeded or not; the last one first.
 *
 * @param hook - if it throws or rejects, the fork fails with that error
 * @returns removes the hook
 * @throws TypeError if `hook` is not a function
 */
export function beforeFork(hook: BeforeHook): () => void {
  return add(hooks.before, hook)
}

/**
 * Adds a hook that is called in each process that is forked from this one, before any other code: to let go of what
 * must not be shared, and to renew seeds. Hooks are called one after the other, in the order in which they were added.
 *
 * @param hook - if it throws or rejects, the new process fails with that error and exits
 * @returns removes the hook
 * @throws TypeError if `hook` is not a function
 */
export function afterFork(hook: Hook): () => void {
  return add(hooks.after, hook)
}

/**
 * Calls all hooks of `beforeFork`.
 *
 * @returns calls all functions that the hooks returned, in the opposite order, and then throws the first of their
 *   errors
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
    await undo().catch(() => {}) // the first error is the one to report
    throw error
  }
  return undo
}

/** Calls all hooks of `afterFork`. */
export async function callAfterFork(): Promise<void> {
  for (const hook of hooks.after) await hook()
}

/** Returns whether something is to be called before forks. */
export function hasBeforeHooks(): boolean {
  return hooks.before.size > 0
}

/** Sets what is called when a hook was added or removed. */
export function onHooksChange(listener: () => void): void {
  hooks.onChange = listener
}

function add<H>(to: Set<H>, hook: H): () => void {
  checkArgument('a hook', hook, aFunction)
  to.add(hook)
  hooks.onChange?.()
  return () => {
    to.delete(hook)
    hooks.onChange?.()
  }
}
