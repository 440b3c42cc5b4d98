import { AsyncResource } from 'node:async_hooks'

/**
 * Binds a callback of the user to the current async context. Each call has a context of its own, which begins as that
 * one: a store that a call enters by `AsyncLocalStorage.enterWith` is visible to what it calls and awaits, but not to
 * later calls.
 */
export function bindContext<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
  const bound = new AsyncResource('ANYFORKCALLBACK')
  return (...args) => bound.runInAsyncScope(inOwnContext, undefined, callback, args) as R
}

function inOwnContext<A extends unknown[], R>(callback: (...args: A) => R, args: A): R {
  return new AsyncResource('ANYFORKCALL').runInAsyncScope(callback, undefined, ...args)
}
