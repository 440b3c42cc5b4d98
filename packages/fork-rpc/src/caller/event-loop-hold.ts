import type { BackPressure } from './back-pressure.js'
import type { Channel } from './channel.js'

/** Keeps the program running while anything of a connection is awaited, and only then. */
export class EventLoopHold {
  readonly #channel: Channel
  readonly #backPressure: BackPressure
  #readyWaiters = 0
  #isEndAwaited = false
  #isHeld = true

  constructor(channel: Channel, backPressure: BackPressure) {
    this.#channel = channel
    this.#backPressure = backPressure
  }

  /** Whether `untilReady` is waiting. */
  get isReadyAwaited(): boolean {
    return this.#readyWaiters > 0
  }

  /** Holds the event loop until a promise settles, and returns its result. */
  async untilReady(ready: Promise<void>): Promise<void> {
    this.#readyWaiters++
    this.update()
    try {
      await ready
    } finally {
      this.#readyWaiters--
      this.update()
    }
  }

  /** Holds the event loop until the connection has ended. */
  untilEnd(): void {
    this.#isEndAwaited = true
    this.update()
  }

  /** Call this when the transport opens, which holds the event loop by itself. */
  onOpen(): void {
    this.#isHeld = true
    this.update()
  }

  /** Call this for each call. */
  onCall(): void {
    if (!this.#isHeld) this.update()
  }

  /** Call this when something begins or ceases to be awaited. */
  update(): void {
    const { transport, calls, streams } = this.#channel
    const isNeeded =
      calls.awaited > 0 ||
      this.#readyWaiters > 0 ||
      this.#isEndAwaited ||
      streams.isAwaited ||
      this.#backPressure.isAwaited
    if (!transport.isOpen || isNeeded === this.#isHeld) return
    this.#isHeld = isNeeded
    transport.hold(isNeeded)
  }
}
