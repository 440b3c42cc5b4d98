import { AsyncResource } from 'node:async_hooks'
import { callSafely } from '@anyfork/fdpass/internal'

/**
 * Makes of a user's callback one that is called in the asynchronous context of now, and
 * whose errors are uncaught ones, but later: they disturb nothing here.
 */
export function callbackOf<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  return AsyncResource.bind((...args: A) => {
    callSafely(() => callback(...args))
  })
}
