/** A module of 9 MB that takes 150 ms and more to load: what many workers are like. */
export const HEAVY = 'typescript'

/** Tells all workers that are started from now on which module they are to load, if any. */
export function chooseModule(module: string | number | undefined): void {
  if (module === HEAVY) process.env['ANYFORK_BENCH_MODULE'] = HEAVY
}
