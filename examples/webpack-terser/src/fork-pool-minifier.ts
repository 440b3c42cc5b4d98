import { type ForkPool, ForkProcess, pool } from '@anyfork/fork-pool'
import TerserPlugin from 'terser-webpack-plugin'
import type { Minify } from './worker.js'

/** A minifier for the plugin's option `minify`, and the pool behind it. */
export interface ForkPoolMinifier {
  minify: Minify
  pool: ForkPool<Minify>
}

/**
 * Makes a minifier that runs `TerserPlugin.terserMinify` in forked workers. Close its pool after the last build.
 *
 * @param workers - the maximum number of workers
 */
export function forkPoolMinifier(workers: number): ForkPoolMinifier {
  const worker = new URL('./worker.js', import.meta.url)
  const minifyInWorker = pool<Minify>(() => ForkProcess.exec().warm(worker, 'load'), worker, 'minify', {
    max: workers,
    serialiser: 'v8', // carries all that postMessage does: the options of terser are the user's
  })
  const minify = Object.assign((...args: Parameters<Minify>) => minifyInWorker(...args), {
    supportsWorker: () => false, // makes the plugin call it in this process, for all files at a time
    getMinimizerVersion: TerserPlugin.terserMinify.getMinimizerVersion, // the plugin makes it a part of its cache keys
  })
  return { minify, pool: minifyInWorker }
}
