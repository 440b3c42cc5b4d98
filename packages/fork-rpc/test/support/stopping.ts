import { readFileSync } from 'node:fs'

/** Stops a process, and blocks until it does not run any more. It goes on with SIGCONT. */
export function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  untilStopped(pid)
}

/** Blocks until a process was stopped, by whomever. */
export function untilStopped(pid: number): void {
  const until = performance.now() + 10_000
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    if (performance.now() > until) throw new Error('the process does not stop')
}
