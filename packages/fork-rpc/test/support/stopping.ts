import { readFileSync } from 'node:fs'

/** Stops a process, and blocks until it does not run any more. It goes on with SIGCONT. */
export function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  const until = performance.now() + 10_000
  while (!isStopped(pid)) if (performance.now() > until) throw new Error('the process does not stop')
}

/** Whether a process was stopped, by itself or another one. */
export function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}
