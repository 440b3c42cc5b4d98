import { readdirSync, readFileSync } from 'node:fs'
import { until } from './patience.js'

/** What proc_pid_stat(5) says of a process. */
export interface ProcessState {
  pid: number
  /** The pid of the parent. */
  parent: number
  isZombie: boolean
}

/** Reads proc_pid_stat(5) of all processes. */
export function allProcesses(): ProcessState[] {
  const states: ProcessState[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/s.exec(readOrEmpty(`/proc/${name}/stat`)) ?? []
    if (state) states.push({ pid: Number(name), parent: Number(parent), isZombie: /[ZX]/.test(state) })
  }
  return states
}

/** Returns the pids of a process's children, zombies included. */
export function childrenOf(pid: number): number[] {
  return allProcesses()
    .filter(({ parent }) => parent === pid)
    .map(child => child.pid)
}

/**
 * Reports whether a process exists and is not a zombie. A process whose first thread has ended looks like a zombie,
 * but runs while it has other threads.
 */
export function isRunning(pid: number): boolean {
  const [, state, threads] = /^State:\s+(\S).*^Threads:\s+(\d+)/ms.exec(readOrEmpty(`/proc/${pid}/status`)) ?? []
  return state !== undefined && (!/[ZX]/.test(state) || Number(threads) > 1)
}

/** Waits until none of these processes runs. A zombie counts as gone: its new parent decides when to reap an orphan. */
export async function untilGone(...pids: readonly number[]): Promise<void> {
  await until(
    () => !pids.some(isRunning),
    () => `still running: ${pids.filter(isRunning).join(', ')}`,
  )
}

/** Returns an empty string if the process has ended before its file is read. */
function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
