import * as tasks from './tasks.js'

/** A function with one argument, the list of the arguments of `F`. Some pools pass only one. */
type TakingOneArgument<F> = F extends (...args: infer A) => infer R ? (args: A) => R : never

const takingOneArgument = <F extends (...args: never[]) => unknown>(task: F): TakingOneArgument<F> =>
  ((args: Parameters<F>) => task(...args)) as unknown as TakingOneArgument<F>

export const add: TakingOneArgument<typeof tasks.add> = takingOneArgument(tasks.add)
export const echo: TakingOneArgument<typeof tasks.echo> = takingOneArgument(tasks.echo)
export const countPrimes: TakingOneArgument<typeof tasks.countPrimes> = takingOneArgument(tasks.countPrimes)
export const transpile: TakingOneArgument<typeof tasks.transpile> = takingOneArgument(tasks.transpile)
export const answerRequests: TakingOneArgument<typeof tasks.answerRequests> = takingOneArgument(tasks.answerRequests)
export const resizeImage: TakingOneArgument<typeof tasks.resizeImage> = takingOneArgument(tasks.resizeImage)
export const block: TakingOneArgument<typeof tasks.block> = takingOneArgument(tasks.block)
export const addAfter: TakingOneArgument<typeof tasks.addAfter> = takingOneArgument(tasks.addAfter)
export const waitAtBarrier: TakingOneArgument<typeof tasks.waitAtBarrier> = takingOneArgument(tasks.waitAtBarrier)
export const dieOnce: TakingOneArgument<typeof tasks.dieOnce> = takingOneArgument(tasks.dieOnce)
