import type { Spin } from '../wire/spin.js'
import type { Transport } from '../wire/transport.js'

/** With more calls under way, what counts is how many leave together. */
const FEW_CALLS = 2
/** So often in a row answers may be waited for without a turn of the event loop. */
const MOST_WAITS = 16

/**
 * Where few calls are under way, their answers are waited for a moment right after they
 * were written: the event loop would sleep, and take its time to wake. It has its turn all
 * the same.
 */
export class BusyWait {
  readonly #transport: Transport
  readonly #spin: Spin
  #isWaiting = false
  #waits = 0
  #lastTurns = 0

  /** @param spin - how long to wait at most */
  constructor(transport: Transport, spin: Spin) {
    this.#transport = transport
    this.#spin = spin
  }

  /** Calls were written. @param awaited - how many have not been answered */
  written(awaited: number): void {
    if (!awaited || awaited > FEW_CALLS || this.#isWaiting || this.#transport.isFrameDeferred || !this.#takeTurn())
      return
    const microseconds = this.#spin.next()
    if (!microseconds) return
    this.#isWaiting = true
    const hasCome = this.#transport.busyWait({ spin: microseconds, yields: this.#spin.checkAlone() })
    this.#isWaiting = false
    this.#spin.recordOutcome(hasCome)
  }

  /** Whether the event loop had its turn not long ago. */
  #takeTurn(): boolean {
    const { turns } = this.#transport
    if (turns === this.#lastTurns) return ++this.#waits <= MOST_WAITS
    this.#lastTurns = turns
    this.#waits = 0
    return true
  }
}
