import { ProcessExitedError, RpcError } from '@anyfork/fork-rpc'
import { withAsyncStack } from '@anyfork/fork-rpc/internal'
import { PoolError } from '../errors.js'

/** The errors with which calls have rejected, and their stacks without that of a caller. */
const stacks = new WeakMap<Error, string | undefined>()

/**
 * Rejects with an error, after appending the stack of the functions that await the call. Resolve the promise of the
 * call with the promise that this function returns. If several calls reject with the same error, each gets a copy.
 */
export function withCallerStack(error: Error): Promise<never> {
  const own = stacks.has(error) ? copyOf(error) : error
  if (own === error) stacks.set(error, error.stack)
  return isLocal(error) ? withAsyncStack(own, []) : withAsyncStack(own)
}

/** Returns whether an error was made in this program, rather than in a worker. */
function isLocal(error: Error): boolean {
  return error instanceof PoolError || error instanceof ProcessExitedError || error instanceof RpcError
}

function copyOf(error: Error): Error {
  const copy = Object.setPrototypeOf(new Error(), Object.getPrototypeOf(error) as object) as Error
  const { stack: _, ...properties } = Object.getOwnPropertyDescriptors(error)
  const stack = { value: stacks.get(error), writable: true, configurable: true, enumerable: false }
  return Object.defineProperties(copy, { ...properties, stack })
}
