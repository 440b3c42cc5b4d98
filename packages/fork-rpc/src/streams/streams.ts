import { decodeError, encodeError } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { dropDescriptors } from '../values/discard.js'
import { Kind } from '../wire/frame.js'
import type { Attachments, FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import { type IncomingLink, IncomingStream } from './incoming.js'
import { type OutgoingLink, OutgoingStream } from './outgoing.js'
import { RemoteIterable } from './remote-iterable.js'
import { WINDOW_BYTES } from './window-size.js'

/** How many streams may be open at once in one direction of a connection. */
const MOST_STREAMS = 1 << 16
/** The size in bytes of all values that may be unread, beyond the largest message: the windows of 1,024 streams. */
const MOST_UNREAD_BYTES = 1024 * WINDOW_BYTES

/** What carries the frames of streams. */
export interface StreamsLink {
  readonly writer: FrameWriter
  /**
   * Queues a frame with values.
   *
   * @returns its size in bytes
   * @throws if a value cannot be sent
   */
  add(kind: number, id: number, values: readonly unknown[]): number
  /**
   * Decodes the value of the reader's current frame.
   *
   * @param received - receives the IDs of the streams within it
   */
  read(reader: FrameReader, received: number[]): unknown[]
  /** Closes the attachments of a frame. */
  discard(attachments: Attachments | undefined): void
  /** A frame was queued. */
  onQueued(): void
  /** Blocks until a condition is met, and handles frames meanwhile; for backends that cannot read otherwise. */
  wait?(isOver: () => boolean): void
}

/** The streams of a connection, in both directions. The side that iterates over a stream gives it its ID. */
export class Streams {
  readonly #link: StreamsLink
  readonly #outgoing = new Map<number, OutgoingStream>()
  readonly #incoming = new Map<number, IncomingStream>()
  readonly #outgoingLink: OutgoingLink
  readonly #incomingLink: IncomingLink
  readonly #beginsIncoming: boolean
  /** In a process: how streams have ended whose calls wait for their turn, because the calls were aborted. */
  readonly #endedEarly = new Map<number, { error: unknown } | undefined>()
  /** In a process: the streams among the values of each stream. */
  readonly #within = new Map<number, number[]>()
  readonly #mostUnread: number
  #lastId = 0
  #waiting = 0
  #unread = 0

  /**
   * @param beginsIncoming - whether incoming streams begin with their first `next`; false: the other side begins at
   *   once
   * @param onWaitingChange - called when a consumer begins or ceases to wait for a value
   * @param maxMessageBytes - the largest message of the other side, if that is not trusted
   */
  constructor(
    link: StreamsLink,
    beginsIncoming: boolean,
    onWaitingChange: () => void,
    maxMessageBytes: number = Infinity,
  ) {
    const { writer } = link
    const add = (kind: number, id: number, payload?: Buffer): void => {
      writer.add(kind, id, payload)
      link.onQueued()
    }
    // The other side may block until one of these arrives, and keeps other frames for later.
    const addUrgent = (kind: number, id: number, number?: number): number => {
      const position = writer.addUrgent(kind, id, number)
      link.onQueued()
      return position
    }
    const wait = link.wait ? { wait: link.wait } : {}
    const written = maxMessageBytes < Infinity ? { written: () => writer.sent } : {}
    this.#link = link
    this.#beginsIncoming = beginsIncoming
    this.#mostUnread = maxMessageBytes + MOST_UNREAD_BYTES
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
      queued: () => writer.sent + writer.length,
      ...written,
      ...wait,
    }
    this.#incomingLink = {
      credit: (id, count) => addUrgent(Kind.credit, id, count),
      stop: id => void addUrgent(Kind.stop, id),
      ...written,
      isIterated: id => this.#incoming.has(id),
      onUnread: delta => this.#onUnread(delta),
      onWaiting: delta => {
        this.#waiting += delta
        onWaitingChange()
      },
      ...wait,
    }
  }

  /** Whether a consumer waits for a value. */
  get isAwaited(): boolean {
    return this.#waiting > 0
  }

  /** Whether the other side iterates over a stream that is read here. */
  get areOpen(): boolean {
    return this.#incoming.size > 0
  }

  /** Whether a consumer will learn of a failure on the other side. */
  get areRead(): boolean {
    return this.isAwaited || [...this.#incoming.values()].some(({ isStopped }) => !isStopped)
  }

  /**
   * Registers a source to send.
   *
   * @returns the ID of its stream
   * @throws RangeError if too many streams are open
   */
  send(source: AsyncIterable<unknown> | Iterable<unknown>): number {
    if (this.#outgoing.size >= MOST_STREAMS) throw new RangeError(`more than ${MOST_STREAMS} streams are open`)
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#outgoing.has(this.#lastId))
    this.#outgoing.set(this.#lastId, new OutgoingStream(this.#lastId, source, this.#outgoingLink))
    return this.#lastId
  }

  /** Undoes `send` for a stream that was not announced. */
  forget(id: number): void {
    this.#outgoing.delete(id)
  }

  /**
   * Registers a stream of the other side.
   *
   * @returns the iterable that reads it
   * @throws RpcError if the other side has announced the ID before, or too many streams
   */
  receive(id: number): RemoteIterable {
    if (this.#incoming.has(id) || this.#incoming.size >= MOST_STREAMS)
      throw new RpcError('ERR_RPC_PROTOCOL', 'a stream was announced twice, or too many were')
    const incoming = new IncomingStream(id, !this.#beginsIncoming, this.#incomingLink)
    this.#incoming.set(id, incoming)
    if (this.#endedEarly.has(id)) {
      this.#end(id, incoming, this.#endedEarly.get(id))
      this.#endedEarly.delete(id)
    }
    return new RemoteIterable(incoming)
  }

  /**
   * Begins to iterate over sources that were sent.
   *
   * @param onStop - called when the consumer stops one of them
   * @returns resolves when all of them have ended
   */
  async begin(ids: readonly number[], onStop: () => void): Promise<void> {
    await Promise.all(ids.map(id => this.#outgoing.get(id)?.begin(onStop)))
  }

  /**
   * Asks the other side to end these streams, because no more of their values are wanted. In a process, that includes
   * the streams among their values: they end with the call, too.
   */
  stopReading(ids: readonly number[]): void {
    for (const id of ids) {
      this.#incoming.get(id)?.stop()
      const within = this.#within.get(id)
      this.#within.delete(id)
      if (within) this.stopReading(within)
    }
  }

  /**
   * Asks the other side to end these streams, which belong to a message that is not wanted.
   *
   * @throws RpcError if there are too many
   */
  refuse(ids: readonly number[]): void {
    for (const id of ids) if (!this.#incoming.has(id)) this.receive(id)
    this.stopReading(ids)
  }

  /**
   * Stops iterating over these sources.
   *
   * @param error - what their consumers get instead of the remaining values
   */
  stopSending(ids: readonly number[], error: unknown): void {
    for (const id of ids) this.#outgoing.get(id)?.stop({ error })
  }

  /**
   * Handles the reader's current frame if it belongs to a stream. Returns false if it does not.
   *
   * @throws RpcError if the frame is invalid
   */
  onFrame(reader: FrameReader): boolean {
    const { kind, id } = reader
    if (kind < Kind.item || kind > Kind.stop) return false
    const incoming = this.#incoming.get(id)
    const outgoing = this.#outgoing.get(id)
    if (kind <= Kind.itemsError && !incoming && !this.#beginsIncoming)
      throw new RpcError('ERR_RPC_PROTOCOL', 'a frame belongs to a stream that was not announced, or has ended')
    if (kind === Kind.item) this.#onItem(incoming, reader)
    else if (kind === Kind.itemsEnd) this.#end(id, incoming)
    else if (kind === Kind.itemsError) this.#end(id, incoming, { error: decodeError(reader.takePayload()) })
    else if (kind === Kind.stop) outgoing?.stop()
    else if (reader.number) outgoing?.credit(reader.number)
    else outgoing?.beginWanted()
    return true
  }

  /** Ends all streams: the connection is closed. */
  end(error: Error): void {
    for (const incoming of this.#incoming.values()) incoming.end({ error })
    this.#incoming.clear()
    for (const outgoing of [...this.#outgoing.values()]) outgoing.stop()
  }

  /** @throws RpcError if too many bytes are unread */
  #onUnread(delta: number): void {
    this.#unread += delta
    if (delta > 0 && this.#unread > this.#mostUnread)
      throw new RpcError(
        'ERR_RPC_PROTOCOL',
        `the unread values of all streams have more than ${this.#mostUnread} bytes`,
      )
  }

  #onItem(incoming: IncomingStream | undefined, reader: FrameReader): void {
    const { id, attachments, size } = reader
    if (!incoming || incoming.isStopped) return this.#link.discard(attachments)
    let values: unknown[]
    const received: number[] = []
    try {
      values = this.#link.read(reader, received)
    } catch (error) {
      if (error instanceof RpcError) throw error
      return incoming.failAfterArrived(error)
    }
    if (received.length && this.#beginsIncoming) this.#within.set(id, [...(this.#within.get(id) ?? []), ...received])
    incoming.push({ value: values[0], size, discard: () => this.#link.discard(attachments) })
  }

  #end(id: number, incoming: IncomingStream | undefined, failure?: { error: unknown }): void {
    this.#incoming.delete(id)
    if (incoming) incoming.finish(failure)
    else this.#endedEarly.set(id, failure)
  }
}
