import type { Spin } from '../wire/spin.js'
import type { Transport } from '../wire/transport.js'

/** Above this number of pending calls, throughput matters: it depends on how many calls leave in one write. */
const FEW_CALLS = 2
/** How many times in a row to busy-wait before the event loop gets a turn. */
const MOST_WAITS = 16

/**
 * Polls for the response right after a call has been written, while few calls are pending. Otherwise the event loop
 * would sleep, and waking it takes many times what a short call takes. See docs/LATENCY.md.
 */
export class BusyWait {
  readonly #transport: Transport
  readonly #spin: Spin
  #isWaiting = false
  #waits = 0
  #lastTurns = 0

  /** @param spin - decides how long to poll */
  constructor(transport: Transport, spin: Spin) {
    this.#transport = transport
    this.#spin = spin
  }

  /**
   * Call this after calls have been written.
   *
   * @param awaited - the number of pending calls that are awaited
   */
  written(awaited: number): void {
    const { isReading, isFrameDeferred } = this.#transport
    if (!awaited || awaited > FEW_CALLS || this.#isWaiting || !isReading || isFrameDeferred || !this.#takeTurn()) return
    const microseconds = this.#spin.next()
    if (!microseconds) return
    this.#isWaiting = true
    const hasCome = this.#transport.busyWait({ spin: microseconds, yields: this.#spin.checkAlone() })
    this.#isWaiting = false
    this.#spin.recordOutcome(hasCome)
  }

  /** Records a busy-wait. Reports whether the event loop has had a turn recently enough for it. */
  #takeTurn(): boolean {
    const { turns } = this.#transport
    if (turns === this.#lastTurns) return ++this.#waits <= MOST_WAITS
    this.#lastTurns = turns
    this.#waits = 0
    return true
  }
}
