import { readdirSync, readFileSync } from 'node:fs'
import { memoryOf } from '@anyfork/fork'

/** The memory of this process and of all that come from it, in MiB. */
export async function treeMemory(): Promise<{ pss: number; uss: number }> {
  const total = { pss: 0, uss: 0 }
  for (const pid of treeOf(process.pid)) {
    const memory = await memoryOf(pid).catch(() => undefined) // one that has ended meanwhile
    total.pss += (memory?.pss ?? 0) / 2 ** 20
    total.uss += (memory?.uss ?? 0) / 2 ** 20
  }
  return total
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
