import { readFileSync } from 'node:fs'
import { PATIENCE_MS } from '@anyfork/test-support'

/** Stops a process, and blocks until it has stopped. SIGCONT continues it. */
export function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  untilStopped(pid)
}

/** Blocks until a process has been stopped, no matter who stops it. */
export function untilStopped(pid: number): void {
  untilState(pid, 'T')
}

/**
 * Blocks until a process sleeps. Data that was written to its socket before wakes it: it sleeps when it has handled
 * them, or when it has to wait before it can.
 */
export function untilAsleep(pid: number): void {
  untilState(pid, 'S')
}

/** @param state - a letter of proc_pid_stat(5) */
function untilState(pid: number, state: string): void {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const [, observed] = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
    if (observed === state) return
    if (performance.now() > deadline) throw new Error(`the process is in state ${observed}, not ${state}`)
  }
}
