import { readFileSync } from 'node:fs'
import { PATIENCE_MS } from '@anyfork/test-support'

/** Stops a process, and blocks until it has stopped. SIGCONT continues it. */
export function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  untilStopped(pid)
}

/** Blocks until a process has been stopped by any other process. */
export function untilStopped(pid: number): void {
  const deadline = performance.now() + PATIENCE_MS
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    if (performance.now() > deadline) throw new Error('the process has not stopped')
}
