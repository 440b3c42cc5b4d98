import type { Restrictions } from '@anyfork/fork-pool'

/** Snippets get users from this number on. Neither distributions nor `/etc/subuid` use such numbers. */
const FIRST_USER = 1_900_000_000
/** After so many snippets, numbers are used again. Until then, the process that had one before has long ended. */
const USERS = 100_000
let snippets = 0

/**
 * Returns what the process of the next snippet may use and do.
 *
 * As root, each snippet gets a user of its own, so that the kernel keeps it from touching other processes. Other users
 * cannot give it one: there, Landlock does the same, which needs Linux 6.12. A user namespace gives the privilege to
 * enter the other namespaces and another root folder.
 *
 * @param processorSeconds - after which the kernel ends the process, whatever happens to this program
 */
export function nextConfinement(processorSeconds: number): Restrictions {
  const everywhere: Restrictions = {
    // No files, no /proc, no Unix sockets. This folder is always there, and no process can put anything into it. It has
    // one file for each descriptor of the process itself, which says whether that is open for reading or writing.
    root: '/proc/self/fdinfo',
    noCapabilities: true,
    umask: 0o777,
    rlimits: {
      cpu: processorSeconds,
      data: 2e9, // what V8 reserves counts, too; the pool limits what is used
      fsize: 0,
      nofile: 64,
      nproc: 1, // no child processes and no threads
      core: 0,
      memlock: 0,
    },
  }
  if (process.getuid!() !== 0) return { ...everywhere, unshare: ['user', 'net', 'ipc'], noSignals: true }
  const user = FIRST_USER + (snippets++ % USERS)
  return { ...everywhere, unshare: ['net', 'ipc'], uid: user, gid: user }
}
