import { rmdirSync, unlinkSync } from 'node:fs'
import { event, withDone } from '@anyfork/fork-rpc/child'

/** Whether a command has succeeded and, if not, the reason. */
type Result = [isRemoved: boolean, reason?: string]

const commands: Record<string, (path: string) => void> = { rmdir: rmdirSync, unlink: unlinkSync }
let requests = 0

/**
 * Runs a command. Sends an event, the number of requests so far, on every third request.
 *
 * @param command - `rmdir` or `unlink`
 * @throws Error for any other command; the call rejects with it
 */
export function remove(command: string, path: string): Result {
  if (++requests % 3 === 0) event(requests)
  const run = commands[command]
  if (!run) throw new Error(`unknown command: ${command}`)
  try {
    run(path)
    return [true]
  } catch (error) {
    return [false, reasonOf(error)]
  }
}

/**
 * The same function for the asynchronous backend, in the form of the Perl original: the call ends when the function calls
 * `done`. An `async` function would serve as well.
 */
export const removeAsync: (...args: [string, string]) => unknown = withDone((done, command: string, path: string) =>
  done(remove(command, path)),
)

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'No such file or directory' : (error as Error).message
}
