import { checkArgument, type Expectation, isLinux, oneOf } from '@anyfork/fdpass/internal'

/**
 * How an interpreter and its descendants make their forks. `'fork'`: by fork(2) or not at all. `'exec'`: by starting an
 * interpreter that carries out the same orders again. `'auto'`: by fork(2) where that is possible and safe, else as
 * `'exec'`; a warning with the code `ANYFORK_FALLBACK` names what is in the way, once for each cause.
 */
export type ForkMode = 'auto' | 'fork' | 'exec'

/** How a process was made. */
export type MadeBy = Exclude<ForkMode, 'auto'>

/** How a process has made a fork. */
export interface MadeFork {
  /** By fork(2), or as a fresh interpreter. */
  readonly mode: MadeBy
  /** What was in the way of fork(2), in mode `'auto'`; missing if nothing was. */
  readonly obstacle?: string
}

export const aMode: Expectation = oneOf('auto', 'fork', 'exec')

/**
 * Returns the mode that was asked for, else the value of the environment variable `ANYFORK_MODE`, else `'auto'`. On other
 * systems than Linux, `'auto'` is `'exec'`.
 *
 * @throws TypeError if the environment variable is invalid
 */
export function resolveMode(asked: ForkMode | undefined): ForkMode {
  const mode = asked ?? (process.env['ANYFORK_MODE'] || 'auto')
  if (asked === undefined) checkArgument('the environment variable ANYFORK_MODE', mode, aMode)
  return mode === 'auto' && !isLinux ? 'exec' : (mode as ForkMode)
}
