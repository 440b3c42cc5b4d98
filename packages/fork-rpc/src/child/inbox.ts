import { Receiver, type Descriptor } from '@anyfork/fdpass'
import { Kind } from '../frame.js'
import { FrameParser } from '../frame-parser.js'

/** What comes from the caller, for a process that waits for it by blocking. */
export class Inbox {
  readonly parser: FrameParser = new FrameParser()
  readonly #receiver: Receiver
  readonly #cancelled = new Set<number>()

  /** @param socket - blocking */
  constructor(socket: Descriptor) {
    this.#receiver = new Receiver(socket)
  }

  /** Goes to the next frame, and waits for it; false at the end. */
  next(): boolean {
    while (!this.parser.next()) if (!this.#receive(false)) return false
    return true
  }

  /** Hears what has been said meanwhile, as far as there is room: calls may have been cancelled. */
  lookAhead(): void {
    const { parser } = this
    while (parser.hasRoom && this.#receive(true)) if (parser.isWithinPayload) return
    parser.scan((kind, id) => {
      if (kind === Kind.cancel) this.#cancelled.add(id)
    })
  }

  /** Whether a call that has not begun was cancelled, as far as was heard. */
  isCancelled(id: number): boolean {
    return this.#cancelled.size > 0 && this.#cancelled.delete(id)
  }

  /** The call of this id is over; its number will be used again. */
  forget(id: number): void {
    this.#cancelled.delete(id)
  }

  #receive(dontWait: boolean): boolean {
    const { parser } = this
    const count = this.#receiver.receive(parser.room, parser.roomStart, { dontWait })
    if (count > 0) parser.filled(count)
    return count > 0
  }
}
