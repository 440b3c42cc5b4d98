import { readFile } from 'node:fs/promises'
import { anInteger, checkArgument } from '@anyfork/fdpass/internal'

/** The memory of a process, in bytes. */
export interface MemoryFigures {
  /** All that is mapped and present. */
  rss: number
  /** The same with what is shared counted in shares: summed up over processes, it is what they all take. */
  pss: number
  /** What nobody else has: what would be free if this process ended. */
  uss: number
  /** What others have, too. */
  shared: number
}

/**
 * Reads what the kernel counts of a process's memory, from /proc/pid/smaps_rollup, proc(5).
 *
 * @throws rejects with a TypeError for what is no pid, `ENOENT` or `ESRCH` when there is no such process, or no such file on this system
 */
export async function memoryOf(pid: number): Promise<MemoryFigures> {
  checkArgument('pid', pid, anInteger(1))
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
