import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { memoryOf } from '@anyfork/fork'

/** Returns the memory of this process and of each descendant, in MiB, by pid. */
export async function treeMemory(): Promise<Map<number, { pss: number; uss: number }>> {
  const tree = new Map<number, { pss: number; uss: number }>()
  for (const pid of treeOf(process.pid)) {
    const memory = await memoryOf(pid).catch(() => undefined) // it has just ended
    if (memory) tree.set(pid, { pss: memory.pss / 2 ** 20, uss: memory.uss / 2 ** 20 })
  }
  return tree
}

/** Returns the sum of the PSS, the proportional set size: each process counts its share of the pages that it shares. */
export function totalPss(tree: Awaited<ReturnType<typeof treeMemory>>): number {
  return [...tree.values()].reduce((sum, { pss }) => sum + pss, 0)
}

/** Returns the sum of the PSS of this process and its descendants, in MiB. It blocks, so that no message arrives meanwhile. */
export function treePss(): number {
  return treeOf(process.pid).reduce((sum, pid) => sum + pssOf(pid), 0)
}

/** Reads proc_pid_smaps_rollup(5). */
function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0 // it has just ended
  }
}

/**
 * Returns the processor time of all threads of this process and its descendants, in milliseconds. It is the first field
 * of /proc/pid/task/tid/schedstat.
 */
export function treeProcessorTime(): number {
  const threads = treeOf(process.pid).flatMap(pid => tasksOf(pid))
  return threads.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]), 0) / 1e6
}

/**
 * Returns the processor time of this process and its descendants, in milliseconds, with that of their threads and children
 * that have ended and were reaped. Counts in steps of 10 ms.
 */
export function treeProcessorTimeWithEnded(): number {
  return treeOf(process.pid).reduce((sum, pid) => sum + ticksOf(pid) * 10, 0)
}

/** Sums up utime, stime, cutime, and cstime, fields 14 to 17 of proc_pid_stat(5). */
function ticksOf(pid: number): number {
  try {
    const fields = /.*\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]!.split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
  } catch {
    return 0 // it has just ended
  }
}

/** Resolves when this process has at most as many descendants as before. */
export async function untilDescendantsEnd(most: number): Promise<void> {
  while (countDescendants() > most) await setTimeout(5)
}

export function countDescendants(): number {
  return treeOf(process.pid).length - 1
}

function tasksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(tid => `/proc/${pid}/task/${tid}/schedstat`)
}

/** Returns a process and its descendants. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name))
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

/** Reads ppid, field 4 of proc_pid_stat(5). Field 2 is a name in parentheses, which may itself contain parentheses. */
function parentOf(pid: string): number {
  try {
    return Number(/.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return NaN // it has just ended
  }
}
