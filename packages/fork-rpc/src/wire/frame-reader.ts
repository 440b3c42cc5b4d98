import type { Descriptor } from '@anyfork/fdpass'
import { RpcError } from '../errors.js'
import { closeAll } from './close-all.js'
import { FIRST_ATTACHMENT, Flag, Kind, type Note } from './frame.js'
import { FrameParser } from './frame-parser.js'

/** A frame that has its turn later. */
interface Kept {
  kind: number
  id: number
  flags: number
  number: number
  payload: Buffer
  attachments: Attachments | undefined
}

/** What came along with a frame. */
export interface Attachments {
  notes: Note[]
  binaries: Buffer[]
  descriptors: Descriptor[]
}

/** Frames as they come, each with what belongs to it. */
export class FrameReader extends FrameParser {
  /** What came along with the frame. */
  attachments: Attachments | undefined
  /** Where the descriptors are that came with the bytes, in order. */
  arrived: Descriptor[] = []
  readonly #kept: Kept[] = []
  #binaries: Buffer[] = []
  #descriptors: Descriptor[] = []
  #notes: Note[] | undefined

  /** How many bytes came, with what came along. */
  get size(): number {
    return (this.attachments?.binaries ?? []).reduce((sum, { length }) => sum + length, this.end - this.start)
  }

  override get hasNext(): boolean {
    return this.#kept.length > 0 || super.hasNext
  }

  /** @throws RpcError when it makes no sense */
  override next(): boolean {
    return this.#kept.length ? this.#takeUp(this.#kept.shift()!) : this.#parse()
  }

  /**
   * Goes through all frames that have come, out of turn.
   *
   * @param handle - does something with a frame; those that it returns false for have their turn as ever
   */
  select(handle: (frame: this) => boolean): void {
    while (this.#parse()) {
      if (handle(this)) continue
      const { kind, id, flags, number, attachments } = this
      this.#kept.push({ kind, id, flags, number, payload: this.takePayload(), attachments })
    }
  }

  /** Lets go of all that came and was not gone to. */
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
      throw new RpcError('ERR_RPC_PROTOCOL', 'a frame without what belongs to it')
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
    throw new RpcError('ERR_RPC_PROTOCOL', 'notes that make no sense', { cause })
  }
}
