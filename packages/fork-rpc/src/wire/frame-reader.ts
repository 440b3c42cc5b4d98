import type { Descriptor } from '@anyfork/fdpass'
import { RpcError } from '../errors.js'
import { closeAll } from './close-all.js'
import { FIRST_ATTACHMENT, Flag, Kind, type Note } from './frame.js'
import { FrameParser } from './frame-parser.js'

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
  readonly #kept: Kept[] = []
  #binaries: Buffer[] = []
  #descriptors: Descriptor[] = []
  #notes: Note[] | undefined

  /** The size of the current frame in bytes, with its attachments. */
  get size(): number {
    return (this.attachments?.binaries ?? []).reduce((sum, { length }) => sum + length, this.end - this.start)
  }

  override get hasNext(): boolean {
    return this.#kept.length > 0 || super.hasNext
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
    for (const { attachments } of this.#kept.splice(0)) closeAll(attachments?.descriptors ?? [])
    closeAll(this.#descriptors.splice(0))
    closeAll(this.arrived.splice(0))
  }

  #parse(): boolean {
    while (super.next()) {
      if (this.kind >= FIRST_ATTACHMENT) {
        this.#onAttachment()
        continue
      }
      this.attachments = this.flags & Flag.attachments ? this.#takeAttachments() : undefined
      return true
    }
    return false
  }

  #onAttachment(): void {
    if (this.kind === Kind.binary) this.#binaries.push(this.takePayload())
    else if (this.kind === Kind.notes) this.#notes = parseNotes(this.takePayload())
    else if (this.kind === Kind.descriptors && this.arrived.length >= this.number)
      this.#descriptors.push(...this.arrived.splice(0, this.number))
    else throw new RpcError('ERR_RPC_PROTOCOL', `a frame of unknown kind ${this.kind}`)
  }

  #takeAttachments(): Attachments {
    const notes = this.#notes
    const binaries = this.#binaries
    const descriptors = this.#descriptors
    const count = (which: Note[0]): number => notes!.filter(([what]) => what === which).length
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

function parseNotes(payload: Buffer): Note[] {
  try {
    const notes = JSON.parse(payload.toString()) as Note[]
    for (const [what, path] of notes)
      if (typeof what !== 'string' || !Array.isArray(path) || !path.length) throw new TypeError()
    return notes
  } catch (cause) {
    throw new RpcError('ERR_RPC_PROTOCOL', 'the notes of a frame are invalid', { cause })
  }
}
