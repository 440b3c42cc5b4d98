/**
 * Kills a process where no caller could receive an error.
 *
 * @param process - such as a `ForkProcess`
 * @returns false if it may not be killed, because this program or the process has changed its user
 */
export function killIfPermitted(process: { kill(signal: 'SIGKILL'): boolean }): boolean {
  try {
    process.kill('SIGKILL')
    return true
  } catch {
    return false // EPERM
  }
}
