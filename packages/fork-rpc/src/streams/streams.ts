import { decodeError, encodeError } from '@anyfork/fork/internal/error-codec'
import { dropDescriptors } from '../values/descriptors.js'
import { Kind } from '../wire/frame.js'
import type { Attachments, FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import { type IncomingLink, IncomingStream } from './incoming.js'
import { type OutgoingLink, OutgoingStream } from './outgoing.js'
import { RemoteIterable } from './remote-iterable.js'

/** What carries the frames of streams. */
export interface StreamsLink {
  readonly writer: FrameWriter
  /** Queues a frame with values. @returns its size. @throws for values that cannot be sent */
  add(kind: number, id: number, values: readonly unknown[]): number
  /** The values of the frame that the reader is at. */
  read(reader: FrameReader): unknown[]
  /** Lets go of what came along with a frame. */
  discard(attachments: Attachments | undefined): void
  /** Something was queued. */
  onQueued(): void
  /** Waits by blocking, where nothing can be heard otherwise. */
  wait?(isOver: () => boolean): void
}

/** The streams of a connection, both ways. Who iterates gives them their ids. */
export class Streams {
  readonly #link: StreamsLink
  readonly #outgoing = new Map<number, OutgoingStream>()
  readonly #incoming = new Map<number, IncomingStream>()
  readonly #outgoingLink: OutgoingLink
  readonly #incomingLink: IncomingLink
  readonly #beginsAtOnce: boolean
  #lastId = 0
  #waiting = 0

  /** @param onWaitingChange - called when somebody begins to wait for a value, or nobody waits any more */
  constructor(link: StreamsLink, beginsAtOnce: boolean, onWaitingChange: () => void) {
    const { writer } = link
    const add = (kind: number, id: number, payload?: Buffer): void => {
      writer.add(kind, id, payload)
      link.onQueued()
    }
    // Who waits for these keeps aside what comes before them.
    const addUrgent = (kind: number, id: number, number?: number): void => {
      writer.addUrgent(kind, id, number)
      link.onQueued()
    }
    const wait = link.wait ? { wait: link.wait } : {}
    this.#link = link
    this.#beginsAtOnce = beginsAtOnce
    this.#outgoingLink = {
      item: (id, value) => {
        const size = link.add(Kind.item, id, [value])
        link.onQueued()
        return size
      },
      end: id => {
        this.#outgoing.delete(id)
        add(Kind.itemsEnd, id)
      },
      error: (id, error) => {
        this.#outgoing.delete(id)
        add(Kind.itemsError, id, encodeError(error))
      },
      drop: value => dropDescriptors([value]),
      ...wait,
    }
    this.#incomingLink = {
      credit: (id, count) => addUrgent(Kind.credit, id, count),
      stop: id => addUrgent(Kind.stop, id),
      isIterated: id => this.#incoming.has(id),
      onWaiting: delta => {
        this.#waiting += delta
        onWaitingChange()
      },
      ...wait,
    }
  }

  /** Whether somebody waits for a value. */
  get isAwaited(): boolean {
    return this.#waiting > 0
  }

  /** Whether something is iterated over elsewhere that was sent here. */
  get areOpen(): boolean {
    return this.#incoming.size > 0
  }

  /** Whether somebody will be told when what is iterated over elsewhere fails. */
  get areRead(): boolean {
    return this.isAwaited || [...this.#incoming.values()].some(({ isStopped }) => !isStopped)
  }

  /** Prepares to send what is iterated over here. @returns the id of the stream */
  send(source: AsyncIterable<unknown> | Iterable<unknown>): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#outgoing.has(this.#lastId))
    this.#outgoing.set(this.#lastId, new OutgoingStream(this.#lastId, source, this.#outgoingLink))
    return this.#lastId
  }

  /** Undoes `send`: nothing was said of it. */
  forget(id: number): void {
    this.#outgoing.delete(id)
  }

  /** Makes what is iterated over elsewhere. */
  receive(id: number): RemoteIterable {
    const incoming = new IncomingStream(id, !this.#beginsAtOnce, this.#incomingLink)
    this.#incoming.set(id, incoming)
    return new RemoteIterable(incoming)
  }

  /**
   * Begins to iterate over what was sent.
   *
   * @param onStop - called when no more of it is wanted
   * @returns resolves when all has ended
   */
  async begin(ids: readonly number[], onStop: () => void): Promise<void> {
    await Promise.all(ids.map(id => this.#outgoing.get(id)?.begin(onStop)))
  }

  /** Wants no more of what is iterated over elsewhere. */
  stopReading(ids: readonly number[]): void {
    for (const id of ids) this.#incoming.get(id)?.stop()
  }

  /** Iterates no more over what was sent. @param error - what who reads it gets instead of the rest */
  stopSending(ids: readonly number[], error: unknown): void {
    for (const id of ids) this.#outgoing.get(id)?.stop({ error })
  }

  /** Whether the frame that the reader is at was one of a stream. */
  onFrame(reader: FrameReader): boolean {
    const { kind, id } = reader
    if (kind < Kind.item || kind > Kind.stop) return false
    const incoming = this.#incoming.get(id)
    const outgoing = this.#outgoing.get(id)
    if (kind === Kind.item) this.#onItem(incoming, reader)
    else if (kind === Kind.itemsEnd) this.#end(id, incoming)
    else if (kind === Kind.itemsError) this.#end(id, incoming, { error: decodeError(reader.takePayload()) })
    else if (kind === Kind.stop) outgoing?.stop()
    else if (reader.number) outgoing?.credit(reader.number)
    else outgoing?.beginWanted()
    return true
  }

  /** Nothing more can be heard or said. */
  end(error: Error): void {
    for (const incoming of this.#incoming.values()) incoming.end({ error })
    this.#incoming.clear()
    for (const outgoing of [...this.#outgoing.values()]) outgoing.stop()
  }

  #onItem(incoming: IncomingStream | undefined, reader: FrameReader): void {
    const { attachments, size } = reader
    if (!incoming || incoming.isStopped) return this.#link.discard(attachments)
    try {
      const [value] = this.#link.read(reader)
      incoming.push({ value, size, discard: () => this.#link.discard(attachments) })
    } catch (error) {
      incoming.failAfterArrived(error)
    }
  }

  #end(id: number, incoming: IncomingStream | undefined, failure?: { error: unknown }): void {
    this.#incoming.delete(id)
    incoming?.finish(failure)
  }
}
