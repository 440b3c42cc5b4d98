import { type ForkPool, ForkProcess, pool } from '@anyfork/fork-pool'
import TerserPlugin from 'terser-webpack-plugin'
import type { Minify } from './worker.js'

/** A minifier for the plugin's option `minify`, and the pool behind it. */
export interface ForkPoolMinifier {
  minify: Minify
  pool: ForkPool<Minify>
}

/**
 * Makes a minifier that does what `TerserPlugin.terserMinify` does, in forked workers.
 *
 * @param workers - how many at a time
 */
export function forkPoolMinifier(workers: number): ForkPoolMinifier {
  const worker = new URL('./worker.js', import.meta.url)
  const minifiers = pool<Minify>(() => ForkProcess.exec().warm(worker, 'load'), worker, 'minify', {
    max: workers,
    serialiser: 'v8',
  })
  const minify = Object.assign((...args: Parameters<Minify>) => minifiers(...args), {
    supportsWorker: () => false, // it is called in this process, for all assets at a time
    getMinimizerVersion: TerserPlugin.terserMinify.getMinimizerVersion, // a part of the names of cached results
  })
  return { minify, pool: minifiers }
}
