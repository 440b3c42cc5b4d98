import { checkArgument, type Expectation, oneOf } from '@anyfork/fdpass/internal'

/**
 * How the forks of an interpreter are made. `'fork'`: by a real fork, or not at all.
 * `'exec'`: a fresh interpreter carries out again what its parent was ordered to.
 * `'auto'`: a real fork where it is possible and safe, else as `'exec'`.
 */
export type ForkMode = 'auto' | 'fork' | 'exec'

/** How a process was made. */
export type MadeBy = Exclude<ForkMode, 'auto'>

export const aMode: Expectation = oneOf('auto', 'fork', 'exec')

/**
 * The mode that was asked for, or the one that the environment variable `ANYFORK_MODE`
 * says, or `'auto'`.
 *
 * @throws TypeError for a mode that does not exist
 */
export function resolveMode(asked: ForkMode | undefined): ForkMode {
  if (asked !== undefined) return asked
  const mode = process.env['ANYFORK_MODE'] || 'auto'
  checkArgument('the environment variable ANYFORK_MODE', mode, aMode)
  return mode as ForkMode
}
