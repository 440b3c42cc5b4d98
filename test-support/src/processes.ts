import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { until } from './patience.js'

/** Whether there is a /proc. On Linux, ps(1) cannot tell a zombie from a process whose first thread has ended. */
const hasProc = existsSync('/proc/self/stat')

/** What proc_pid_stat(5) says of a process. */
export interface ProcessState {
  pid: number
  /** The pid of the parent. */
  parent: number
  isZombie: boolean
}

/** Lists the processes below a process, zombies included. */
export function descendantsOf(root: number): ProcessState[] {
  return childrenOf(root).flatMap(pid => {
    const state = stateOf(pid)
    return state ? [state, ...descendantsOf(pid)] : []
  })
}

/** Returns the pids of a process's children, zombies included. */
export function childrenOf(pid: number): number[] {
  if (!hasChildrenFiles) return allProcesses().flatMap(child => (child.parent === pid ? [child.pid] : []))
  return namesIn(`/proc/${pid}/task`).flatMap(thread =>
    (readOrEmpty(`/proc/${pid}/task/${thread}/children`).match(/\d+/g) ?? []).map(Number),
  )
}

/** Whether the kernel lists the children of a thread, see proc_tid_children(5). To read all processes takes far longer. */
const hasChildrenFiles = existsSync('/proc/thread-self/children')

/** Reads proc_pid_stat(5) of all processes, or asks ps(1) where there is none. */
function allProcesses(): ProcessState[] {
  if (!hasProc) return listProcesses('-ax')
  return namesIn('/proc').flatMap(name => (/^\d+$/.test(name) ? (stateOf(Number(name)) ?? []) : []))
}

/** Asks ps(1), which lists itself, too. */
function listProcesses(...which: string[]): (ProcessState & { letter: string })[] {
  const { pid: own, stdout } = spawnSync('ps', [...which, '-o', 'pid=,ppid=,state='], { encoding: 'utf8' })
  return stdout.split('\n').flatMap(line => {
    const [pid, parent, state] = line.trim().split(/\s+/)
    if (state === undefined || Number(pid) === own) return []
    return [{ pid: Number(pid), parent: Number(parent), isZombie: state.startsWith('Z'), letter: state[0]! }]
  })
}

/**
 * Returns the letter for the state of a process, see ps(1): `'S'` for one that sleeps, `'T'` for one that is stopped.
 * Blocks.
 *
 * @returns `undefined` if there is no such process
 */
export function letterOf(pid: number): string | undefined {
  if (!hasProc) return listProcesses('-p', String(pid))[0]?.letter
  return /^State:\s+(\S)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]
}

/** Reads proc_pid_stat(5). Returns `undefined` if the process does not exist. */
function stateOf(pid: number): ProcessState | undefined {
  if (!hasProc) return listProcesses('-p', String(pid))[0]
  const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/s.exec(readOrEmpty(`/proc/${pid}/stat`)) ?? []
  return state === undefined ? undefined : { pid, parent: Number(parent), isZombie: /[ZX]/.test(state) }
}

/**
 * Reports whether a process exists and is not a zombie. A process whose first thread has ended looks like a zombie,
 * but runs while it has other threads.
 */
export function isRunning(pid: number): boolean {
  if (!hasProc) return stateOf(pid)?.isZombie === false
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

/** Returns an empty list if the process has ended before its folder is read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Returns an empty string if the process has ended before its file is read. */
function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
