import { CommanderError } from 'commander'
import { complain, OTHER_ERROR } from './failure.js'
import { commandLine } from './options.js'

/** Runs the program `fork-pool`. Sets the exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', () => {}) // the callbacks of write() report it
  try {
    await commandLine(async (target, inputs, options) => {
      const { run } = await import('./run.js') // loads the pool, which the help and invalid options do not need
      await run(target, inputs, options)
    }).parseAsync(argv)
  } catch (error) {
    const isReported = error instanceof CommanderError || (error as NodeJS.ErrnoException).code === 'EPIPE'
    if (!isReported) complain((error as Error).message)
    if (!(error instanceof CommanderError) || error.exitCode) process.exitCode = OTHER_ERROR
  }
}
