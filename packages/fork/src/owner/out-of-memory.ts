import { readFileSync } from 'node:fs'

/** How long after such a kill it may be the reason of an exit, in milliseconds. */
const RECENT_MS = 1000

let known = countKills()
let lastKillAt = Number.NEGATIVE_INFINITY

/**
 * Returns whether the kernel has just killed a process for lack of memory. It does not report which one, and counts those
 * of other containers, too.
 */
export function checkForMemoryKill(): boolean {
  const count = countKills()
  if (count > known) lastKillAt = performance.now()
  known = count
  return performance.now() - lastKillAt < RECENT_MS
}

/** Returns how many processes the OOM killer has killed since the system was started, or 0 where that is not known. */
function countKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
