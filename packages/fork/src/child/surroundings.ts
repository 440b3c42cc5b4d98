import type { Configuration } from '../configuration.js'

/** Changes the environment, the arguments, and the working folder of this process. @throws the kernel's error: `ENOENT` */
export function setSurroundings({ env, argv, cwd }: Omit<Configuration, 'streams'>): void {
  if (env) replaceEnvironment(env)
  if (argv) {
    process.argv.length = 1
    for (const word of argv) process.argv.push(word)
  }
  if (cwd !== undefined) process.chdir(cwd)
}

/** Changes the environment of the process itself, which other programs inherit, and which libraries read. */
function replaceEnvironment(env: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value
}
