import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

/** What this process holds: descriptors, and processes below it, zombies included. */
export interface Holdings {
  descriptors: number
  processes: string[]
}

export function holdings(): Holdings {
  return { descriptors: readdirSync('/proc/self/fd').length, processes: descendants(process.pid) }
}

/** Waits until there is nothing more than before; what the kernel or Node let go of a moment later counts as gone. */
export async function assertNothingLeft(before: Holdings): Promise<void> {
  const deadline = performance.now() + 5000
  while (!isLike(holdings(), before) && performance.now() < deadline)
    await new Promise(resolve => setTimeout(resolve, 5))
  assert.deepEqual(holdings(), before)
}

function isLike(a: Holdings, b: Holdings): boolean {
  return a.descriptors === b.descriptors && a.processes.join() === b.processes.join()
}

/** As `pid state`, sleeping and running being the same. */
function descendants(root: number): string[] {
  const parents = new Map<number, { parent: number; state: string }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/s.exec(textOf(`/proc/${name}/stat`)) ?? []
    if (state) parents.set(Number(name), { state: /[ZX]/.test(state) ? 'zombie' : 'alive', parent: Number(parent) })
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!.parent))
  return [...parents]
    .filter(([pid]) => pid !== root && isBelow(pid))
    .map(([pid, { state }]) => `${pid} ${state}`)
    .sort()
}

/** Whether a process exists and is no zombie: one whose first thread has ended may still have others, and its descriptors with them. */
export function isRunning(pid: number): boolean {
  const [, state, threads] = /^State:\s+(\S).*^Threads:\s+(\d+)/ms.exec(textOf(`/proc/${pid}/status`)) ?? []
  return state !== undefined && (!/[ZX]/.test(state) || Number(threads) > 1)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
