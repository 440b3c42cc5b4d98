import type { Note } from './enclosures.js'
import { RpcError } from './errors.js'
import { FIRST_ENCLOSURE, Flag, Kind } from './frame.js'
import { FrameParser } from './frame-parser.js'

/** A frame that has its turn later. */
interface Kept {
  kind: number
  id: number
  flags: number
  number: number
  payload: Buffer
  enclosed: Enclosed | undefined
}

/** What came along with a frame. */
export interface Enclosed {
  notes: Note[]
  binaries: Buffer[]
}

/** Frames as they come, each with what belongs to it. */
export class FrameReader extends FrameParser {
  /** What came along with the frame. */
  enclosed: Enclosed | undefined
  readonly #kept: Kept[] = []
  #binaries: Buffer[] = []
  #notes: Note[] | undefined

  /** How many bytes came, with what came along. */
  get size(): number {
    return (this.enclosed?.binaries ?? []).reduce((sum, { length }) => sum + length, this.end - this.start)
  }

  /** @throws RpcError when it makes no sense */
  override next(): boolean {
    return this.#kept.length ? this.#takeUp(this.#kept.shift()!) : this.#parse()
  }

  /**
   * Goes through all frames that have come, out of turn.
   *
   * @param isTaken - does something with a frame; those that it returns false for have their turn as ever
   */
  select(isTaken: (frame: this) => boolean): void {
    while (this.#parse()) {
      if (isTaken(this)) continue
      const { kind, id, flags, number, enclosed } = this
      this.#kept.push({ kind, id, flags, number, payload: this.takePayload(), enclosed })
    }
  }

  #parse(): boolean {
    while (super.next()) {
      if (this.kind >= FIRST_ENCLOSURE) {
        this.#onEnclosure()
        continue
      }
      this.enclosed = this.flags & Flag.enclosures ? this.#takeEnclosed() : undefined
      return true
    }
    return false
  }

  #onEnclosure(): void {
    if (this.kind === Kind.binary) this.#binaries.push(this.takePayload())
    else if (this.kind === Kind.notes) this.#notes = parseNotes(this.takePayload())
    else throw new RpcError('ERR_RPC_PROTOCOL', `a frame of unknown kind ${this.kind}`)
  }

  #takeEnclosed(): Enclosed {
    const notes = this.#notes
    const binaries = this.#binaries
    if (!notes || notes.filter(([what]) => what === 'binary').length !== binaries.length) throw new RpcError('ERR_RPC_PROTOCOL', 'a frame without what belongs to it')
    this.#notes = undefined
    this.#binaries = []
    return { notes, binaries }
  }

  #takeUp({ kind, id, flags, number, payload, enclosed }: Kept): true {
    this.kind = kind
    this.id = id
    this.flags = flags
    this.number = number
    this.bytes = payload
    this.start = 0
    this.end = payload.length
    this.enclosed = enclosed
    return true
  }
}

function parseNotes(payload: Buffer): Note[] {
  try {
    const notes = JSON.parse(payload.toString()) as Note[]
    for (const [what, path] of notes) if (typeof what !== 'string' || !Array.isArray(path) || !path.length) throw new TypeError()
    return notes
  } catch (cause) {
    throw new RpcError('ERR_RPC_PROTOCOL', 'notes that make no sense', { cause })
  }
}
