import { Receiver, type Descriptor } from '@anyfork/fdpass'
import { Kind } from '../frame.js'
import { FrameReader } from '../frame-reader.js'
import { sleep } from '../write-all.js'

/** How long to wait until the descriptor table may have room again, in milliseconds. */
const TABLE_FULL_MS = 20

/** What comes from the caller, for a process that waits for it by blocking. */
export class Inbox {
  readonly reader: FrameReader = new FrameReader()
  readonly #receiver: Receiver
  readonly #isTaken: (frame: FrameReader) => boolean
  readonly #cancelled = new Set<number>()
  #expectsDescriptors = false

  /**
   * @param socket - blocking
   * @param isTaken - does what a frame says, if that has its effect at once
   */
  constructor(socket: Descriptor, isTaken: (frame: FrameReader) => boolean) {
    this.#isTaken = isTaken
    this.#receiver = new Receiver(socket)
    this.reader.arrived = this.#receiver.descriptors
  }

  /** From now on, descriptors come. */
  expectDescriptors(): void {
    this.#expectsDescriptors = true
  }

  /** Goes to the next frame, and waits for it; false at the end. */
  next(): boolean {
    while (!this.reader.next()) if (!this.#receive(false)) return false
    return true
  }

  /** Does what the frame says that the reader is at. */
  take(): void {
    this.#isTaken(this.reader)
  }

  /** Waits for what has its effect at once; calls that come meanwhile wait. Ends the process when the caller is gone. */
  wait(isOver: () => boolean): void {
    for (;;) {
      this.#select()
      if (isOver()) return
      if (!this.hear()) process.exit()
    }
  }

  /** Waits for something to come; false at the end. */
  hear(): boolean {
    const hasCome = this.#receive(false)
    this.#select()
    return hasCome
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

  #select(): void {
    this.reader.select(frame => {
      if (frame.kind === Kind.cancel) this.#cancelled.add(frame.id)
      return this.#isTaken(frame)
    })
  }

  #receive(dontWait: boolean): boolean {
    const { reader } = this
    const receiver = this.#receiver
    receiver.takesDescriptors = this.#expectsDescriptors && !reader.isWithinPayload
    for (;;) {
      try {
        const count = receiver.receive(reader.room, reader.roomStart, { dontWait })
        if (count > 0) reader.filled(count)
        return count > 0
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EMFILE' && code !== 'ENFILE') throw error
        if (dontWait) return false
        sleep(TABLE_FULL_MS)
      }
    }
  }
}
