import { EventEmitter } from 'node:events'
import { binding } from '../binding.js'
import { signalName } from '../errors.js'

/** The interval of checks for ended children, in milliseconds, in case SIGCHLD does not report one. */
const LOOK_MS = 1000

/** All children that have not ended. They share one listener and one timer. */
const children = new Set<OwnChild>()
/** The children that keep this program running. */
const held = new Set<OwnChild>()
const out = new Int32Array(3)
let timer: NodeJS.Timeout | undefined

/** A child that was not started by `child_process`. Reaps it, and no other child, and emits `'exit'`. */
export class OwnChild extends EventEmitter<{ exit: [code: number | null, signal: NodeJS.Signals | null] }> {
  readonly pid: number

  constructor(pid: number) {
    super()
    this.pid = pid
    if (!children.size) process.on('SIGCHLD', reapEnded)
    children.add(this)
    setImmediate(reapEnded).unref() // it may have ended before the listener was added
  }

  /** Keeps this program running until the child has ended. */
  ref(): void {
    if (children.has(this)) held.add(this)
    updateTimer()
  }

  unref(): void {
    held.delete(this)
    updateTimer()
  }
}

/** Returns whether a process is a child of this one that has not been reaped. */
export function isChild(pid: number): boolean {
  return binding.peekEnded(pid, out) >= 0
}

/** Returns whether the timer of this module keeps this program running. */
export function hasTimer(): boolean {
  return timer !== undefined
}

/** Call this in a forked process: the children belong to the parent. */
export function forgetChildren(): void {
  children.clear()
  held.clear()
  updateTimer()
  process.off('SIGCHLD', reapEnded)
}

function updateTimer(): void {
  if (held.size) {
    timer ??= setInterval(reapEnded, LOOK_MS)
  } else {
    clearInterval(timer)
    timer = undefined
  }
}

function reapEnded(): void {
  for (const child of children) reap(child)
}

function reap(child: OwnChild): void {
  const result = binding.peekEnded(child.pid, out)
  if (result === 0) return
  children.delete(child)
  child.unref()
  if (!children.size) process.off('SIGCHLD', reapEnded)
  const [, code, signal] = out as unknown as [number, number, number]
  if (result < 0) return void child.emit('exit', null, null) // other code has reaped it
  binding.reap(child.pid)
  child.emit('exit', code < 0 ? null : code, signalName(signal))
}
