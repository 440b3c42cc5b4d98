import type { Descriptor } from '@anyfork/fdpass'
import { MOST_RECEIVED } from '@anyfork/fdpass/internal'
import { RpcError } from '../errors.js'
import { disposeAll } from './dispose-all.js'
import { type Accepted, FIRST_ATTACHMENT, Flag, hasValues, isUrgent, Kind, type Note } from './frame.js'
import { FrameParser } from './frame-parser.js'
import { parseNotes } from './notes.js'
import type { OpenDescriptors } from './open-descriptors.js'

/** How many binaries a message may have: each has at least 64 KiB, and a message at most 4 GiB. */
const MOST_BINARIES = 1 << 16

/** A frame kept for later. */
interface Kept {
  kind: number
  id: number
  flags: number
  number: number
  payload: Buffer
  attachments: Attachments | undefined
}

/** The attachments of a frame. */
export interface Attachments {
  notes: Note[]
  binaries: Buffer[]
  descriptors: Descriptor[]
}

/** Reads frames, each with its attachments. */
export class FrameReader extends FrameParser {
  /** The attachments of the current frame. */
  attachments: Attachments | undefined
  /** The descriptors that came with the bytes, in order. */
  arrived: Descriptor[] = []
  readonly #maxMessageBytes: number
  readonly #open: OpenDescriptors | undefined
  readonly #kept: Kept[] = []
  #binaries: Buffer[] = []
  #descriptors: Descriptor[] = []
  #notes: Note[] | undefined

  /**
   * @param accepted - the largest payload of each kind
   * @param maxMessageBytes - the largest message: a frame with its attachments
   * @param open - counts the descriptors that have come and are open
   */
  constructor(accepted: Accepted, maxMessageBytes: number, open?: OpenDescriptors) {
    super(accepted, maxMessageBytes)
    this.#maxMessageBytes = maxMessageBytes
    this.#open = open
  }

  /** The size of the current frame in bytes, with its attachments. */
  get size(): number {
    return (this.attachments?.binaries ?? []).reduce((sum, { length }) => sum + length, this.end - this.start)
  }

  override get hasNext(): boolean {
    return this.#kept.length > 0 || super.hasNext
  }

  override get nextKind(): number | undefined {
    return this.#kept.length ? this.#kept[0]!.kind : super.nextKind
  }

  /** @throws RpcError if the frame is invalid */
  override next(): boolean {
    return this.#kept.length ? this.#takeUp(this.#kept.shift()!) : this.#parse()
  }

  /**
   * Offers all frames that have arrived to a function, out of turn.
   *
   * @param handle - returns false for a frame to keep for its turn
   */
  select(handle: (frame: this) => boolean): void {
    while (this.#parse()) {
      if (handle(this)) continue
      const { kind, id, flags, number, attachments } = this
      this.#kept.push({ kind, id, flags, number, payload: this.takePayload(), attachments })
    }
  }

  /** Closes the descriptors of all frames that were not read. */
  discard(): void {
    for (const { attachments } of this.#kept.splice(0)) disposeAll(attachments?.descriptors ?? [])
    disposeAll(this.#descriptors.splice(0))
    disposeAll(this.arrived.splice(0))
  }

  #parse(): boolean {
    while (super.next()) {
      if (this.kind >= FIRST_ATTACHMENT) {
        this.#onAttachment()
        continue
      }
      this.attachments = undefined
      if (this.flags & Flag.attachments) {
        if (!hasValues(this.kind)) throw unclaimed()
        this.attachments = this.#takeAttachments()
      } else if (this.#hasParts && !isUrgent(this.kind)) throw unclaimed()
      return true
    }
    if (this.arrived.length > MOST_RECEIVED) throw unclaimed()
    return false
  }

  #onAttachment(): void {
    if (this.kind === Kind.binary) this.#addBinary(this.takePayload())
    else if (this.kind === Kind.descriptors) this.#addDescriptors(this.number)
    else if (this.#notes) throw unclaimed()
    else this.#notes = parseNotes(this.takePayload())
  }

  #addBinary(binary: Buffer): void {
    if (this.#binaries.length >= MOST_BINARIES) throw unclaimed()
    this.#binaries.push(binary)
    this.room -= binary.length
  }

  #addDescriptors(count: number): void {
    if (this.arrived.length < count) throw new RpcError('ERR_RPC_PROTOCOL', 'a frame lacks its descriptors')
    const descriptors = this.arrived.splice(0, count)
    for (const descriptor of descriptors) this.#descriptors.push(descriptor)
    this.#open?.add(descriptors)
  }

  /** Whether attachments have come for a frame that has not. */
  get #hasParts(): boolean {
    return this.#notes !== undefined || this.#binaries.length > 0 || this.#descriptors.length > 0
  }

  #takeAttachments(): Attachments {
    const notes = this.#notes
    const binaries = this.#binaries
    const descriptors = this.#descriptors
    const count = (which: Note[0]): number => notes!.filter(([what]) => what === which).length
    this.room = this.#maxMessageBytes
    if (!notes || count('binary') !== binaries.length || count('fd') !== descriptors.length)
      throw new RpcError('ERR_RPC_PROTOCOL', 'a frame lacks the attachments that it refers to')
    this.#notes = undefined
    this.#binaries = []
    this.#descriptors = []
    return { notes, binaries, descriptors }
  }

  #takeUp({ kind, id, flags, number, payload, attachments }: Kept): true {
    this.kind = kind
    this.id = id
    this.flags = flags
    this.number = number
    this.bytes = payload
    this.start = 0
    this.end = payload.length
    this.attachments = attachments
    return true
  }
}

function unclaimed(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'attachments came that no frame refers to')
}
