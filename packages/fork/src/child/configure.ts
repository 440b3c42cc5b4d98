import type { Descriptor } from '@anyfork/fdpass'
import type { Configuration } from '../configuration.js'
import { redirect } from './standard-streams.js'
import { setSurroundings } from './surroundings.js'

/**
 * Changes the surroundings of this process.
 *
 * @param descriptors - the standard streams with the numbers `streams`; owned by this function
 * @throws the kernel's error: `ENOENT`
 */
export async function configure(
  { streams, ...surroundings }: Configuration,
  descriptors: readonly Descriptor[],
): Promise<void> {
  setSurroundings(surroundings)
  if (descriptors.length) await redirect(streams, descriptors)
}
