import { Receiver, type Descriptor } from '@anyfork/fdpass'
import { Kind } from '../frame.js'
import { FrameReader } from '../frame-reader.js'
import type { Streams } from '../streams/streams.js'

/** What comes from the caller, for a process that waits for it by blocking. */
export class Inbox {
  readonly reader: FrameReader = new FrameReader()
  readonly #receiver: Receiver
  readonly #cancelled = new Set<number>()

  /** @param socket - blocking */
  constructor(socket: Descriptor) {
    this.#receiver = new Receiver(socket)
  }

  /** Goes to the next frame, and waits for it; false at the end. */
  next(): boolean {
    while (!this.reader.next()) if (!this.#receive(false)) return false
    return true
  }

  /** Waits until something has been heard of a stream; calls that come meanwhile wait. Ends the process when the caller is gone. */
  wait(isOver: () => boolean, streams: Streams): void {
    for (;;) {
      this.reader.select(frame => {
        if (frame.kind === Kind.cancel) this.#cancelled.add(frame.id)
        return streams.onFrame(frame)
      })
      if (isOver()) return
      if (!this.#receive(false)) process.exit()
    }
  }

  /** Hears what has been said meanwhile, as far as there is room: calls may have been cancelled. */
  lookAhead(): void {
    const { reader } = this
    while (reader.hasRoom && this.#receive(true)) if (reader.isWithinPayload) return
    reader.scan((kind, id) => {
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
    const { reader } = this
    const count = this.#receiver.receive(reader.room, reader.roomStart, { dontWait })
    if (count > 0) reader.filled(count)
    return count > 0
  }
}
