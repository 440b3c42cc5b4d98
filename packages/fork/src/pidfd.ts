import { readFileSync } from 'node:fs'
import { type Descriptor, dup, type Handle, type Watch, watch } from '@anyfork/fdpass'
import { binding } from './binding.js'
import { openUntilThreadEnd } from './thread-end.js'

/** How many pid namespaces lie between that of /proc and that of this process. Usually 0: it is the same one. */
let level: number | undefined

function levelOfThisProcess(): number {
  if (binding.ownPidInProc() === binding.getpid()) return 0
  const pids = /^NSpid:(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  return Math.max(0, (pids?.trim().split(/\s+/).length ?? 1) - 1)
}

/**
 * A descriptor that refers to one process, whatever becomes of its pid: pidfd_open(2). The kernel says by it whether
 * the process has ended, so that nobody else has to be believed.
 */
export class Pidfd {
  readonly #descriptor: Descriptor
  readonly #watch: Watch

  /**
   * @param descriptor - owned by this object from now on
   * @param onEnd - called when the process has ended, until `close`
   * @throws the kernel's error if it cannot be watched; it is then closed
   */
  constructor(descriptor: Descriptor, onEnd: () => void) {
    this.#descriptor = descriptor
    try {
      this.#watch = watch(descriptor, { readable: true }, onEnd, { keepBlocking: true })
    } catch (error) {
      descriptor.close()
      throw error
    }
    this.#watch.unref()
  }

  /**
   * Opens the pidfd of a child that this thread has not reaped, or of this process. It is closed when the thread ends.
   *
   * @param other - an open descriptor; borrowed
   * @returns owned by the caller; `undefined` if the kernel has none (before Linux 5.3, and on other systems), or there
   *   is no free descriptor
   */
  static open(pid: number, other: Handle): Descriptor | undefined {
    let slot: Descriptor
    try {
      slot = openUntilThreadEnd(() => dup(other))
    } catch {
      return undefined
    }
    if (binding.openProcess(pid, slot.fd) === 0) return slot
    slot.close()
    return undefined
  }

  /**
   * Returns the pid that the process has in the pid namespace of this one; 0 if it has ended and been reaped or has no
   * pid there, or a negative errno: -EINVAL if this is not the pidfd of a process.
   */
  static pidOf(descriptor: Descriptor): number {
    return binding.processPid(descriptor.fd, (level ??= levelOfThisProcess()))
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  get hasEnded(): boolean {
    return binding.hasProcessEnded(this.#descriptor.fd) === 1
  }

  /** Sends a signal; 0 only looks for the process. Returns 0 or a negative errno: -ESRCH if it has ended. */
  signal(signal: number): number {
    return binding.signalProcess(this.#descriptor.fd, signal)
  }

  ref(): void {
    this.#watch.ref()
  }

  unref(): void {
    this.#watch.unref()
  }

  /** No callback comes after this. */
  close(): void {
    this.#watch.close()
    this.#descriptor.close()
  }
}
