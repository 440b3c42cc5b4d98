import { readdirSync, readFileSync } from 'node:fs'

/** Counts the processes of this user, with their threads, as RLIMIT_NPROC does. */
export function countTasks(): number {
  const own = process.getuid!()
  let count = 0
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      if (Number(/^Uid:\s+(\d+)/m.exec(status)![1]) === own) count += readdirSync(`/proc/${pid}/task`).length
    } catch {
      // it has ended
    }
  }
  return count
}
