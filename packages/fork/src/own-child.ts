import { EventEmitter } from 'node:events'
import { binding } from './binding.js'
import { signalName } from './errors.js'

/** How often to look whether it has ended where the signal does not tell, in milliseconds. */
const LOOK_MS = 1000

/** A child that was not started by `child_process`: reaps it, and it alone, and tells by `'exit'` how it ended. */
export class OwnChild extends EventEmitter<{ exit: [code: number | null, signal: NodeJS.Signals | null] }> {
  readonly pid: number
  readonly #out = new Int32Array(3)
  readonly #look = (): void => this.#reap()
  #keepAlive: NodeJS.Timeout | undefined

  constructor(pid: number) {
    super()
    this.pid = pid
    process.on('SIGCHLD', this.#look)
    setImmediate(this.#look).unref() // it may have ended before
  }

  /** Keeps this program running until it has ended. */
  ref(): void {
    this.#keepAlive ??= setInterval(this.#look, LOOK_MS)
  }

  unref(): void {
    clearInterval(this.#keepAlive)
    this.#keepAlive = undefined
  }

  #reap(): void {
    const result = binding.peekEnded(this.pid, this.#out)
    if (result === 0) return
    process.off('SIGCHLD', this.#look)
    this.unref()
    const [, code, signal] = this.#out as unknown as [number, number, number]
    if (result < 0) return void this.emit('exit', null, null) // somebody else has reaped it
    binding.reap(this.pid)
    this.emit('exit', code < 0 ? null : code, signalName(signal))
  }
}
