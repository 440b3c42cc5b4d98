/** The line between the stack of the process and the stack of this program. */
const BETWEEN: readonly string[] = ['    at <called from another process>']

/**
 * Rejects with an error from another process, after appending the stack of the functions that await the call. V8 can
 * find these functions only while the promise settles. So the promise of the call resolves with the promise that this
 * function returns, and calls that succeed pay nothing.
 *
 * @param between - the lines between the two stacks
 */
export async function withAsyncStack(error: Error, between: readonly string[] = BETWEEN): Promise<never> {
  // V8 finds the awaiting functions once their promise is linked to this one.
  await null
  await null
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, withAsyncStack)
  const frames = (here.stack ?? '').split('\n').filter(line => line.startsWith('    at async '))
  if (frames.length) error.stack = [error.stack, ...between, ...frames].join('\n')
  throw error
}

/** The number of microtask turns until such a rejection has reached the awaiting function, which a pool does twice. */
export const TURNS_TO_REJECT = 16

/** Calls a function after a number of microtask turns. */
export function afterMicrotasks(turns: number, call: () => void): void {
  if (turns === 0) call()
  else queueMicrotask(() => afterMicrotasks(turns - 1, call))
}
