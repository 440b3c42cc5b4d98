import type { PendingCall, PendingCalls } from './pending-calls.js'

/** How long a process may take to say that it has dropped a call that has its turn, in milliseconds. */
const DROP_MS = 100

/**
 * Calls that were given up before it was known here that they had their turn, and that the
 * process is to be killed for if it runs them. It may have begun one before it heard of that:
 * then it never says that it has dropped it.
 */
export class DeferredKills {
  readonly #calls: PendingCalls
  readonly #hasItsTurn: (call: PendingCall) => boolean
  readonly #kill: () => void
  readonly #waiting: { id: number; call: PendingCall }[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param hasItsTurn - whether a call that is outstanding may have begun */
  constructor(calls: PendingCalls, hasItsTurn: (call: PendingCall) => boolean, kill: () => void) {
    this.#calls = calls
    this.#hasItsTurn = hasItsTurn
    this.#kill = kill
  }

  add(id: number, call: PendingCall): void {
    this.#waiting.push({ id, call })
  }

  /** To be called when the process has said something: another call may have its turn. */
  check(): void {
    while (this.#waiting.length && !this.#isPending) this.#waiting.shift()
    const first = this.#waiting[0]
    if (!first || this.#timer || !this.#hasItsTurn(first.call)) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#waiting[0] === first && this.#isPending) this.#kill()
      else this.check()
    }, DROP_MS)
    this.#timer.unref()
  }

  get #isPending(): boolean {
    const { id, call } = this.#waiting[0]!
    return this.#calls.get(id) === call
  }
}
