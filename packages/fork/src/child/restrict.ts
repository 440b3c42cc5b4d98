import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import { type Restrictions, softAndHard } from '../restrictions.js'
import { areAllThreadsCopied } from '../safety/all-threads.js'
import { listCopiedThreads } from '../safety/threads.js'

/**
 * Restricts this process. Restrictions that need privileges come before those that drop them. A new user namespace gives
 * privileges inside it, so everything that may need these comes after it; it is entered as the new user.
 *
 * @throws the kernel's error: `EPERM`, `ENOENT`
 * @throws `ERR_FOREIGN_THREADS` if a restriction would concern only one of several threads
 */
export function restrict(restrictions: Restrictions): void {
  const { rlimits = {}, nice, umask, uid, gid, unshare = [], noNewPrivileges, noSignals, noCapabilities } = restrictions
  if (unshare.length || noSignals || noCapabilities) assertOneThread()
  for (const [name, limit] of Object.entries(rlimits)) {
    const [soft, hard] = softAndHard(limit).map(amount => (amount === Infinity ? -1 : amount)) as [number, number]
    check(binding.setLimit(name, soft, hard), 'setrlimit')
  }
  if (nice !== undefined) setNice(nice)
  if (umask !== undefined) process.umask(umask)
  const hasUserNamespace = unshare.includes('user')
  if (!hasUserNamespace) move(restrictions)
  if (gid !== undefined) {
    process.setgroups!([])
    process.setgid!(gid)
  }
  if (uid !== undefined) process.setuid!(uid)
  if (hasUserNamespace) move(restrictions)
  if (noNewPrivileges) check(binding.noNewPrivileges(Number(areAllThreadsCopied())), 'prctl')
  if (noSignals) check(binding.confineSignals(), 'landlock_restrict_self')
  if (noCapabilities) check(binding.dropCapabilities(), 'capset')
}

/** Moves this process to its namespaces, and to its folders. */
function move({ unshare = [], root, cwd }: Restrictions): void {
  if (unshare.length) check(binding.unshare(unshare), 'unshare')
  if (root !== undefined) {
    check(binding.changeRoot([root]), 'chroot')
    process.chdir('/') // Node keeps the name of the former one
  }
  if (cwd !== undefined) process.chdir(cwd)
}

function assertOneThread(): void {
  const { length } = readdirSync('/proc/self/task')
  if (length > 1)
    throw new ForkError(
      'ERR_FOREIGN_THREADS',
      `restrict({ unshare, noCapabilities, noSignals }) needs a process with one thread, as a fork is at first, but this one has ${length}`,
    )
}

/**
 * Sets the nice value of the main thread and, where forks have all threads, of all: later threads inherit it. Throws
 * the kernel's error, which Node wraps in one of its own.
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
