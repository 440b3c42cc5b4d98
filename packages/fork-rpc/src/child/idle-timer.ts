import { clearTimeout, setTimeout } from 'node:timers'
import { bindContext } from '@anyfork/fdpass/internal'
import { IdleMemory } from './idle-memory.js'

/** Gives memory back in a process that serves on its event loop. Has no timer in a process that stays idle or busy. */
export class IdleTimer {
  readonly #memory = new IdleMemory()
  readonly #isBusy: () => boolean
  /** Not in the async context of a call. */
  readonly #arm: (ms: number) => void = bindContext(ms => {
    this.#timer = setTimeout(this.#look, ms).unref()
  })
  readonly #look = (): void => {
    this.#timer = undefined
    if (this.#isBusy()) return
    const idle = performance.now() - this.#since
    const { firstWait } = this.#memory
    const wait = idle < firstWait ? firstWait - idle : this.#memory.reduce(idle)
    if (wait) this.#arm(wait)
  }
  #timer: NodeJS.Timeout | undefined
  #since = 0

  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy
  }

  /** Call this whenever the last of the running calls has ended. */
  onIdle(): void {
    this.#since = performance.now()
    if (!this.#timer && this.#memory.firstWait) this.#arm(this.#memory.firstWait)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
