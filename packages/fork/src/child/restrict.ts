import { setPriority } from 'node:os'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { type Restrictions, softAndHard } from '../restrictions.js'
import { areAllThreadsCopied } from '../safety/all-threads.js'
import { listCopiedThreads } from '../safety/threads.js'

/**
 * Restricts this process. Restrictions that need privileges come before those that drop them.
 *
 * @throws the kernel's error: `EPERM`, `ENOENT`
 */
export function restrict({ rlimits = {}, nice, umask, cwd, uid, gid, noNewPrivileges }: Restrictions): void {
  for (const [name, limit] of Object.entries(rlimits)) {
    const [soft, hard] = softAndHard(limit).map(amount => (amount === Infinity ? -1 : amount)) as [number, number]
    check(binding.setLimit(name, soft, hard), 'setrlimit')
  }
  if (nice !== undefined) setNice(nice)
  if (umask !== undefined) process.umask(umask)
  if (cwd !== undefined) process.chdir(cwd)
  if (gid !== undefined) {
    process.setgroups!([])
    process.setgid!(gid)
  }
  if (uid !== undefined) process.setuid!(uid)
  if (noNewPrivileges) check(binding.noNewPrivileges(Number(areAllThreadsCopied())), 'prctl')
}

/**
 * Sets it for the main thread, and for all where forks have them: others inherit it when they start. Throws the kernel's
 * error, which Node wraps in one of its own.
 */
function setNice(nice: number): void {
  const threads = areAllThreadsCopied() ? listCopiedThreads().map(({ id }) => id) : [0]
  try {
    for (const id of threads) setPriority(id, nice)
  } catch (error) {
    throw systemError((error as { info: { errno: number } }).info.errno, 'setpriority')
  }
}

function check(result: number, syscall: string): void {
  if (result < 0) throw systemError(result, syscall)
}
