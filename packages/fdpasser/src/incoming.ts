import { type Descriptor, DescriptorReceiver, type Handle } from '@anyfork/fdpass'
import Denque from 'denque'
import { type Reservation, SlotReservation } from './slot-reservation.js'

/** The descriptor table is full: a thread may have a slot for a moment only, so that the next turns of the event loop find it free; or it stays full. */
const IMMEDIATE_RETRIES = 64
const FIRST_RETRY_MS = 1
const LAST_RETRY_MS = 500
/** Descriptors in a row, or messages of several, before the event loop gets its turn. */
const MOST_IN_A_ROW = 64

/** Gets a descriptor, which is then its own, or the reason why there is none. */
export type ReceiveCallback = (error: Error | undefined, descriptor?: Descriptor) => void

/** Who looks after the socket. */
export interface IncomingListener {
  /** What it waits for has changed. */
  onChange(): void
  /** Nothing more will come: an orderly end, or an error. */
  onEnd(error?: Error): void
}

/** Descriptors on their way in, for those who asked, in the order in which they asked. */
export class Incoming {
  readonly #receiver: DescriptorReceiver
  readonly #isPeeking: boolean
  readonly #listener: IncomingListener
  readonly #slots: SlotReservation | undefined
  readonly #receivers = new Denque<ReceiveCallback>()
  /** What came in one message with something that was asked for. */
  readonly #surplus = new Denque<Descriptor>()
  /** Puts off the next attempt, while it waits for the table to have room. */
  #cancelRetry: (() => void) | undefined
  /** How often it waited since something came. */
  #retries = 0
  #end: { reason: Error } | undefined
  #isDiscarded = false
  /** How many came in this turn of the event loop. */
  #row = 0
  #isReading = false
  #isLikelyMore = false

  /** @param batch - most descriptors in a message, where their slots are reserved and nothing else helps */
  constructor(socket: Handle, reservation: Reservation, batch: number, dontWait: boolean, listener: IncomingListener) {
    this.#isPeeking = reservation !== 'sentinel'
    this.#receiver = new DescriptorReceiver(socket, { peek: this.#isPeeking, dontWait })
    this.#listener = listener
    // With peeking underneath, one slot suffices: it tells early that the table is full.
    if (reservation !== 'peek') this.#slots = new SlotReservation(socket, this.#isPeeking ? 1 : batch)
    this.#slots?.take()
  }

  /** How many ask. */
  get length(): number {
    return this.#receivers.length
  }

  /** Whether it waits for something to come. */
  get waitsForMessage(): boolean {
    return this.#receivers.length > 0 && !this.#cancelRetry && !this.#end
  }

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

  /** Takes what has come, as much as was asked for. To be called once in a turn of the event loop. */
  read(): void {
    this.#row = 0
    this.#readOn()
  }

  /** Nothing more comes: gives up the reserved slots and tells all who ask. What came already can still be asked for. */
  end(reason: Error): void {
    if (this.#end) return
    this.#end = { reason }
    this.#cancelRetry?.()
    this.#slots?.release()
    while (this.#receivers.length) this.#receivers.shift()!(reason)
  }

  /** Closes what came and was not asked for, what is just being given out also. */
  discard(): void {
    this.#isDiscarded = true
    while (this.#surplus.length) this.#surplus.shift()!.close()
  }

  /** Those who ask for one after the other need not wait for the event loop each time. */
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

  /** Gives what has come to those who asked; how many descriptors there were. */
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

  /** Gives up the reserved slots, for what comes now. */
  #makeRoom(): boolean {
    if (!this.#holdRoom()) return false
    this.#slots?.release()
    return true
  }

  /** Takes them again. If that fails, the table is full, and the next message has to wait. */
  #holdRoom(): boolean {
    if (!this.#slots || this.#slots.take()) return true
    this.#pause()
    return false
  }

  /** The table is full. Nothing tells when that ends; sending goes on meanwhile. */
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
