import type { Descriptor } from '@anyfork/fdpass'
import type { Configuration } from '../configuration.js'
import { redirect } from './standard-streams.js'

/**
 * Changes the surroundings of this process.
 *
 * @param descriptors - the standard streams with the numbers `streams`; owned by this function
 * @throws the kernel's error: `ENOENT`
 */
export async function configure(
  { env, argv, cwd, streams }: Configuration,
  descriptors: readonly Descriptor[],
): Promise<void> {
  if (env) replaceEnvironment(env)
  if (argv) {
    process.argv.length = 1
    for (const word of argv) process.argv.push(word)
  }
  if (cwd !== undefined) process.chdir(cwd)
  if (descriptors.length) await redirect(streams, descriptors)
}

/** Changes the environment of the process itself, which other programs inherit, and which libraries read. */
function replaceEnvironment(env: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value
}
