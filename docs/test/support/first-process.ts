import { spawnSync } from 'node:child_process'

/** Makes a command the first process, with pid 1, of a namespace with its own /proc. Ends it when it is ended itself. */
const unshare = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child']

/** Only root, or a user that may create user namespaces, can do this. */
export const isPermitted: boolean = spawnSync(unshare[0]!, [...unshare.slice(1), 'true']).status === 0

/** Returns the command that runs another command as a first process, or that command where this is not permitted. */
export function asFirstProcess(command: readonly string[]): string[] {
  return isPermitted ? [...unshare, ...command] : [...command]
}
