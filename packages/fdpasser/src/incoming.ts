import { type Descriptor, DescriptorReceiver, type Handle } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import Denque from 'denque'
import { type Reservation, SlotReservation } from './slot-reservation.js'

/**
 * Retries while the descriptor table is full. A thread may hold a slot for a moment only, so the first retries follow
 * in the next turns of the event loop. Later retries wait longer and longer.
 */
const IMMEDIATE_RETRIES = 64
const FIRST_RETRY_MS = 1
const LAST_RETRY_MS = 500
/** The number of descriptors, or of messages with several, to receive before the event loop gets a turn. */
const MOST_IN_A_ROW = 64

/** Receives a descriptor, which the callback then owns, or the reason why none will come. */
export type ReceiveCallback = (error: Error | undefined, descriptor?: Descriptor) => void

/** The passer, as the incoming side sees it. */
export interface IncomingListener {
  /** `waitsForMessage` or `length` may have changed. */
  onChange(): void
  /** No more descriptors will come: because of an error or, without one, at the end of the stream. */
  onEnd(error?: Error): void
}

/** Receives descriptors and gives them to the callbacks in the order in which these were added. */
export class Incoming {
  readonly #receiver: DescriptorReceiver
  readonly #isPeeking: boolean
  readonly #listener: IncomingListener
  readonly #slots: SlotReservation | undefined
  readonly #receivers = new Denque<ReceiveCallback>()
  /** Descriptors without a callback: they came in one message with others. */
  readonly #surplus = new Denque<Descriptor>()
  /** Cancels the next retry while the descriptor table is full. */
  #cancelRetry: (() => void) | undefined
  /** The number of retries since the last descriptor came. */
  #retries = 0
  #end: { reason: Error } | undefined
  #isDiscarded = false
  /** The number of descriptors received in this turn of the event loop. */
  #row = 0
  #isReading = false
  #isLikelyMore = false

  /** @param batch - the largest number of descriptors in a message, for which `'sentinel'` alone must hold slots */
  constructor(socket: Handle, reservation: Reservation, batch: number, dontWait: boolean, listener: IncomingListener) {
    this.#isPeeking = isLinux && reservation !== 'sentinel'
    this.#receiver = new DescriptorReceiver(socket, { peek: this.#isPeeking, dontWait })
    this.#listener = listener
    // With peeking, one slot suffices: it shows early that the table is full.
    if (reservation !== 'peek') this.#slots = new SlotReservation(socket, this.#isPeeking ? 1 : batch)
    this.#slots?.take()
  }

  /** The number of callbacks that wait for a descriptor. */
  get length(): number {
    return this.#receivers.length
  }

  /** Reports whether to wait until the socket is readable. */
  get waitsForMessage(): boolean {
    return this.#receivers.length > 0 && !this.#cancelRetry && !this.#end
  }

  /** Adds a callback for the next descriptor. */
  ask(receiver: ReceiveCallback): void {
    const descriptor = this.#surplus.shift()
    if (descriptor) receiver(undefined, descriptor)
    else if (this.#end) receiver(this.#end.reason)
    else {
      this.#receivers.push(receiver)
      if (this.#receivers.length > 1 || this.#isReading) return
      if (this.#isLikelyMore) queueMicrotask(() => this.#readOn())
      else this.#listener.onChange()
    }
  }

  /** Receives queued descriptors, at most one for each callback. Call this once in a turn of the event loop. */
  read(): void {
    this.#row = 0
    this.#readOn()
  }

  /**
   * Stops receiving. Frees the reserved slots and rejects all callbacks. Surplus descriptors stay available to `ask`.
   */
  end(reason: Error): void {
    if (this.#end) return
    this.#end = { reason }
    this.#cancelRetry?.()
    this.#slots?.release()
    while (this.#receivers.length) this.#receivers.shift()!(reason)
  }

  /** Closes the surplus descriptors, and those for which the current read finds no callback. */
  discard(): void {
    this.#isDiscarded = true
    while (this.#surplus.length) this.#surplus.shift()!.close()
  }

  /** Receives without waiting for the event loop, so that callers who ask for one descriptor at a time stay fast. */
  #readOn(): void {
    this.#isReading = true
    let isLikelyMore = this.#row < MOST_IN_A_ROW
    while (this.waitsForMessage && isLikelyMore) {
      if (!this.#makeRoom()) break
      const count = this.#receive(MOST_IN_A_ROW - this.#row)
      if (this.#end) return
      this.#row += count
      isLikelyMore = this.#holdRoom() && count > 0 && this.#row < MOST_IN_A_ROW
    }
    this.#isReading = false
    this.#isLikelyMore = isLikelyMore
    this.#listener.onChange()
  }

  /** Receives once and gives the descriptors to the callbacks. Returns the number of descriptors. */
  #receive(most: number): number {
    let descriptors: Descriptor[] | undefined
    try {
      descriptors = this.#receiver.receive(Math.min(most, this.#receivers.length))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EMFILE' || code === 'ENFILE') this.#pause()
      else this.#listener.onEnd(error as Error)
      return 0
    }
    if (!descriptors) return 0
    if (!descriptors.length) this.#listener.onEnd()
    else this.#retries = 0
    for (const descriptor of descriptors) this.#give(descriptor)
    return descriptors.length
  }

  #give(descriptor: Descriptor): void {
    const receiver = this.#receivers.shift()
    if (receiver) receiver(undefined, descriptor)
    else if (this.#isDiscarded) descriptor.close()
    else this.#surplus.push(descriptor)
  }

  /** Frees the reserved slots for arriving descriptors. Returns false if the table is full. */
  #makeRoom(): boolean {
    if (!this.#holdRoom()) return false
    this.#slots?.release()
    return true
  }

  /** Takes the slots again. If that fails, the table is full: pauses receiving and returns false. */
  #holdRoom(): boolean {
    if (!this.#slots || this.#slots.take()) return true
    this.#pause()
    return false
  }

  /** Schedules a retry, because no event announces a free slot. Sending continues. */
  #pause(): undefined {
    if (this.#cancelRetry) return
    const retry = (): void => {
      this.#cancelRetry = undefined
      if (this.#slots && !this.#slots.take()) this.#pause()
      else this.#listener.onChange()
    }
    if (this.#retries < IMMEDIATE_RETRIES) {
      const immediate = setImmediate(retry)
      this.#cancelRetry = () => clearImmediate(immediate)
    } else {
      const timer = setTimeout(
        retry,
        Math.min(FIRST_RETRY_MS * 2 ** (this.#retries - IMMEDIATE_RETRIES), LAST_RETRY_MS),
      )
      this.#cancelRetry = () => clearTimeout(timer)
    }
    this.#retries++
  }
}
