import { readdirSync, readFileSync } from 'node:fs'
import { memoryOf } from '@anyfork/fork'

/** The memory of this process and of all that come from it, in MiB, by pid. */
export async function treeMemory(): Promise<Map<number, { pss: number; uss: number }>> {
  const tree = new Map<number, { pss: number; uss: number }>()
  for (const pid of treeOf(process.pid)) {
    const memory = await memoryOf(pid).catch(() => undefined) // it has ended meanwhile
    if (memory) tree.set(pid, { pss: memory.pss / 2 ** 20, uss: memory.uss / 2 ** 20 })
  }
  return tree
}

/** The PSS of all of them: what they take together, because each counts its share of what several have. */
export function totalPss(tree: Awaited<ReturnType<typeof treeMemory>>): number {
  return [...tree.values()].reduce((sum, { pss }) => sum + pss, 0)
}

/** The processor time that this process and all that come from it have had, in milliseconds; as in /proc/pid/task/tid/schedstat. */
export function treeProcessorTime(): number {
  const threads = treeOf(process.pid).flatMap(pid => tasksOf(pid))
  return threads.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]), 0) / 1e6
}

function tasksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(tid => `/proc/${pid}/task/${tid}/schedstat`)
}

/** A process with its descendants. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name))
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

/** The fourth field of /proc/pid/stat, proc(5); the second is a name in parentheses that may have anything in it. */
function parentOf(pid: string): number {
  try {
    return Number(/.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return NaN // it has ended meanwhile
  }
}
