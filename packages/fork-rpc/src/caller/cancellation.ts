import type { Outstanding, OutstandingCall } from './pending-calls.js'

/** How long a process may take to say that it has dropped a call that has its turn, in milliseconds. */
const DROP_MS = 100

/**
 * Calls that were given up before it was known here that they had their turn, and that the
 * process is to be killed for if it runs them. It may have begun one before it heard of that:
 * then it never says that it has dropped it.
 */
export class Doomed {
  readonly #calls: Outstanding
  readonly #hasItsTurn: (call: OutstandingCall) => boolean
  readonly #kill: () => void
  readonly #doomed: { id: number; call: OutstandingCall }[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param hasItsTurn - whether a call that is outstanding may have begun */
  constructor(calls: Outstanding, hasItsTurn: (call: OutstandingCall) => boolean, kill: () => void) {
    this.#calls = calls
    this.#hasItsTurn = hasItsTurn
    this.#kill = kill
  }

  add(id: number, call: OutstandingCall): void {
    this.#doomed.push({ id, call })
  }

  /** To be called when the process has said something: another call may have its turn. */
  check(): void {
    while (this.#doomed.length && !this.#isOutstanding) this.#doomed.shift()
    const first = this.#doomed[0]
    if (!first || this.#timer || !this.#hasItsTurn(first.call)) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#doomed[0] === first && this.#isOutstanding) this.#kill()
      else this.check()
    }, DROP_MS)
    this.#timer.unref()
  }

  get #isOutstanding(): boolean {
    const { id, call } = this.#doomed[0]!
    return this.#calls.get(id) === call
  }
}
