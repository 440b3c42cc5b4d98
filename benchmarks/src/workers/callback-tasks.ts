import * as tasks from './tasks.js'

type Callback = (error: unknown, result?: unknown) => void

/** Adapts a task to worker-farm, whose functions call back instead of returning. */
const withCallback =
  (task: (...args: never[]) => unknown) =>
  (...args: unknown[]): void => {
    const callback = args.pop() as Callback
    void (async () => task(...(args as never[])))().then(result => callback(null, result), callback)
  }

export const add: (...args: unknown[]) => void = withCallback(tasks.add)
export const echo: (...args: unknown[]) => void = withCallback(tasks.echo)
export const countPrimes: (...args: unknown[]) => void = withCallback(tasks.countPrimes)
export const transpile: (...args: unknown[]) => void = withCallback(tasks.transpile)
export const answerRequests: (...args: unknown[]) => void = withCallback(tasks.answerRequests)
export const resizeImage: (...args: unknown[]) => void = withCallback(tasks.resizeImage)
export const block: (...args: unknown[]) => void = withCallback(tasks.block)
export const addAfter: (...args: unknown[]) => void = withCallback(tasks.addAfter)
export const waitAtBarrier: (...args: unknown[]) => void = withCallback(tasks.waitAtBarrier)
export const dieOnce: (...args: unknown[]) => void = withCallback(tasks.dieOnce)
