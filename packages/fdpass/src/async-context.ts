import { AsyncResource } from 'node:async_hooks'

/**
 * Binds a callback of the user to the current async context. Each call has a context of its own, which begins as that
 * one: a store that a call enters by `AsyncLocalStorage.enterWith` is visible to what it calls and awaits, but not to
 * later calls.
 */
export function bindContext<This, A extends unknown[], R>(
  callback: (this: This, ...args: A) => R,
): (this: This, ...args: A) => R {
  const bound = new AsyncResource('ANYFORKCALLBACK')
  return function (...args) {
    return bound.runInAsyncScope(inOwnContext<This, A, R>, this, callback, args)
  }
}

function inOwnContext<This, A extends unknown[], R>(this: This, callback: (this: This, ...args: A) => R, args: A): R {
  return new AsyncResource('ANYFORKCALL').runInAsyncScope(callback, this, ...args)
}
