import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { anInteger, checkArgument, isLinux, systemError } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

/** The memory of a process, in bytes. */
export interface MemoryFigures {
  /** The resident memory: everything that is mapped and present. */
  rss: number
  /**
   * The proportional memory: each shared page is divided by the number of its users. The sum over all processes is what
   * they take together.
   */
  pss: number
  /** The unique memory: what becomes free when the process ends. */
  uss: number
  /** The memory that other processes use as well. */
  shared: number
}

/**
 * Reads the kernel's figures about the memory of a process: /proc/pid/smaps_rollup, proc_pid_smaps_rollup(5).
 *
 * @param pid - a process id, from 1
 * @returns resolves with figures in bytes
 * @throws rejects with a TypeError if `pid` is not a process id
 * @throws rejects with `ENOENT` or `ESRCH` if there is no such process, with `ENOENT` also where the system has no such
 *   file, as on macOS, or its /proc is that of another pid namespace, and with `EACCES` if the process belongs to
 *   another user
 */
export async function memoryOf(pid: number): Promise<MemoryFigures> {
  checkArgument('pid', pid, anInteger(1))
  if (!isLinux || binding.ownPidInProc() !== binding.getpid()) throw systemError(-constants.errno.ENOENT, 'open')
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const sum = (...names: string[]): number =>
    names.reduce((total, name) => total + 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0), 0)
  return {
    rss: sum('Rss'),
    pss: sum('Pss'),
    uss: sum('Private_Clean', 'Private_Dirty', 'Private_Hugetlb'),
    shared: sum('Shared_Clean', 'Shared_Dirty', 'Shared_Hugetlb'),
  }
}
