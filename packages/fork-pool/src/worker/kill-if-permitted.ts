import type { ForkProcess } from '@anyfork/fork-rpc'

/**
 * Kills a process when there is no caller that could be given an error.
 *
 * @returns false if it may not be killed, because this program or the process has changed its user
 */
export function killIfPermitted(process: ForkProcess): boolean {
  try {
    process.kill('SIGKILL')
    return true
  } catch {
    return false // EPERM
  }
}
