import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

/** What a process owns in the kernel. */
export interface Census {
  descriptors: number
  children: number
}

/** Counts this process's open descriptors and its children, zombies included. */
export function census(): Census {
  return { descriptors: readdirSync('/proc/self/fd').length, children: childrenOf(process.pid).length }
}

/** How long what is on its way out may take, in milliseconds. */
const PATIENCE_MS = 5000

/** Fails if more is open, or more children are there, than before; what an earlier test closes late does not count. */
export async function assertNothingLeft(before: Census): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  const isLeft = ({ descriptors, children }: Census): boolean =>
    descriptors > before.descriptors || children > before.children
  while (isLeft(census()) && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
  const now = census()
  if (isLeft(now)) assert.deepEqual(now, before)
}

/** The pids of a process's children, zombies included. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
    .map(Number)
}

/** Whether a process exists, as a zombie also. */
export function exists(pid: number): boolean {
  return parentOf(pid) !== undefined
}

/** Resolves once all of these processes are gone; rejects after a time in milliseconds. */
export async function allGone(pids: readonly number[], withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (pids.some(isRunning)) {
    if (performance.now() > deadline)
      throw new Error(`still running after ${withinMs} ms: ${pids.filter(isRunning).join(', ')}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Whether a process exists, and is no zombie with all its threads: who reaps an orphan is its new parent's affair. */
export function isRunning(pid: number): boolean {
  const fields = stat(pid)
  return fields !== undefined && ((fields[0] !== 'Z' && fields[0] !== 'X') || threadsOf(pid) > 1)
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

function parentOf(pid: number): number | undefined {
  const fields = stat(pid)
  return fields && Number(fields[1])
}

/** The fields of proc_pid_stat(5) from the state on. */
function stat(pid: number): string[] | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return line.slice(line.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
