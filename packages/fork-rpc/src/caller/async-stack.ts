/** What stands between the stack of the other process and that of this one. */
const BETWEEN = '    at <called from another process>'

/**
 * Rejects with an error from another process, after the stack of who waits for it was
 * added to its own. That is known only while it is told, so a promise that is to reject
 * resolves with what this returns; calls that succeed pay nothing for it.
 */
export async function withAsyncStack(error: Error): Promise<never> {
  // Until who waits is linked to this promise: V8 finds the waiting functions from here.
  await null
  await null
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, withAsyncStack)
  const frames = (here.stack ?? '').split('\n').filter(line => line.startsWith('    at async '))
  if (frames.length) error.stack = [error.stack, BETWEEN, ...frames].join('\n')
  throw error
}

/** How many turns of the microtask queue it may take until that has reached who waits. */
export const TURNS_TO_REJECT = 8

/** Calls back when the microtask queue has turned so often. */
export function afterMicrotasks(turns: number, call: () => void): void {
  if (turns === 0) call()
  else queueMicrotask(() => afterMicrotasks(turns - 1, call))
}
