import { letterOf, PATIENCE_MS } from '@anyfork/test-support'

// These functions block, so that this process does not read from a connection meanwhile.

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
 *
 * @param readStatus - reads proc_pid_status(5); for a program whose descriptor table is full
 */
export function untilAsleep(pid: number, readStatus?: () => string): void {
  untilState(pid, 'S', readStatus)
}

/** Blocks until a condition holds. */
export function blockUntil(condition: () => boolean, describe: () => string): void {
  const deadline = performance.now() + PATIENCE_MS
  while (!condition()) if (performance.now() > deadline) throw new Error(describe())
}

/** @param state - a letter of proc_pid_stat(5) */
function untilState(pid: number, state: string, readStatus?: () => string): void {
  const observed = (): string | undefined => (readStatus ? /^State:\s+(\S)/m.exec(readStatus())?.[1] : letterOf(pid))
  blockUntil(
    () => observed() === state,
    () => `the process is in state ${observed()}, not ${state}`,
  )
}
