/** A module of 9 MB that takes 150 ms and more to load: what many workers are like. */
export const HEAVY_MODULE = 'typescript'

/** Tells all workers that are started from now on which module they are to load, if any. */
export function setWorkerModule(module: string | number | undefined): void {
  if (module === HEAVY_MODULE) process.env['ANYFORK_BENCH_MODULE'] = HEAVY_MODULE
}
