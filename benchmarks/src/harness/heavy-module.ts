/** A module of 9 MB that takes 150 ms or more to load. It stands for the dependencies of a typical worker. */
export const HEAVY_MODULE = 'typescript'

/**
 * Makes every worker that is started from now on load a module, by an environment variable.
 *
 * @param module - its name; `undefined` and `'bare'` mean none
 */
export function setWorkerModule(module: string | number | undefined): void {
  if (module !== undefined && module !== 'bare') process.env['ANYFORK_BENCH_MODULE'] = String(module)
}
