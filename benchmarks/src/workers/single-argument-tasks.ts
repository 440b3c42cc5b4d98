import * as tasks from './tasks.js'

/** The tasks for pools whose functions have one argument, which is the list of all. */
type OfList<F> = F extends (...args: infer A) => infer R ? (args: A) => R : never

const ofList = <F extends (...args: never[]) => unknown>(task: F): OfList<F> =>
  ((args: Parameters<F>) => task(...args)) as unknown as OfList<F>

export const add: OfList<typeof tasks.add> = ofList(tasks.add)
export const echo: OfList<typeof tasks.echo> = ofList(tasks.echo)
export const countPrimes: OfList<typeof tasks.countPrimes> = ofList(tasks.countPrimes)
export const block: OfList<typeof tasks.block> = ofList(tasks.block)
export const meet: OfList<typeof tasks.meet> = ofList(tasks.meet)
export const dieOnce: OfList<typeof tasks.dieOnce> = ofList(tasks.dieOnce)
