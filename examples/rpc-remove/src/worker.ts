import { rmdirSync, unlinkSync } from 'node:fs'
import { event, withDone } from '@anyfork/fork-rpc/child'

const commands: Record<string, (path: string) => void> = { rmdir: rmdirSync, unlink: unlinkSync }
let count = 0

/** Removes a path, and tells of every third request. @returns whether that worked, else why not */
export function remove(command: string, path: string): [ok: boolean, reason?: string] {
  if (++count % 3 === 0) event(count)
  const carryOut = commands[command]
  if (!carryOut) throw new Error(`illegal command ${command}`)
  try {
    carryOut(path)
    return [true]
  } catch (error) {
    return [false, reasonOf(error)]
  }
}

/** The same for the asynchronous backend, in the way of the original: it ends when `done` is called. */
export const removeAndTell: (...args: [string, string]) => unknown = withDone((done, command: string, path: string) =>
  done(remove(command, path)),
)

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'No such file or directory' : (error as Error).message
}
