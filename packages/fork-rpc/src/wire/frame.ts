/**
 * The size of a header. Frames go in both directions over the socket between a caller and its process: a header, then
 * the payload.
 *
 *     u8 kind · u8 mark and flags · u16 number · u32 payload length · u32 id
 *
 * All numbers are little-endian. docs/WIRE.md describes the kinds.
 */
export const HEADER_BYTES = 12

/** Offsets within a header. */
export const At = { kind: 0, flags: 1, number: 2, length: 4, id: 8 } as const

/**
 * The upper half of the byte of the flags, in each header. Other bytes that get into the socket, such as text, hardly ever
 * look like a header, for whose payload the receiver would wait. Change it with the format.
 */
export const MARK = 0xa0
/** The bits of the mark. */
export const MARK_BITS = 0xf0

/** Payloads of this size or more are not copied, and are read into memory of their own. */
export const LARGE_BYTES: number = 1 << 16

export const Kind = {
  /** To the process: call the function of this number. Payload: the arguments. */
  call: 1,
  /** To the process: answer the calls before this one, then end. */
  end: 2,
  /** To the process: the caller no longer awaits the call of this ID. */
  cancel: 3,
  /** To the process: from now on, this number stands for the export that the payload names. */
  name: 4,
  /** From the process: it serves. */
  ready: 16,
  /** From the process: the call of this ID returned. Payload: the result. */
  result: 17,
  /** From the process: the call of this ID threw. Payload: a PlainError in V8's serialisation. */
  error: 18,
  /** From the process: an event. Payload: its values. */
  event: 19,
  /** From the process: it cannot serve. Payload: a PlainError in V8's serialisation. */
  fatal: 20,
  /** From the process: the call of this ID was cancelled before it began. */
  dropped: 21,
  /** From the process: an error that ends it. Payload: a PlainError in V8's serialisation. */
  uncaught: 22,
  /** From the process: it ends, because nothing is left that could settle the promise that it awaits. */
  stranded: 23,
  /** To the process: ignored; a call that was withdrawn. */
  nothing: 32,
  /** From the side that iterates: the next value of the stream of this ID. Payload: the value. */
  item: 33,
  /** From the side that iterates: the stream of this ID has ended. */
  itemsEnd: 34,
  /** From the side that iterates: the stream of this ID has failed. Payload: a PlainError in V8's serialisation. */
  itemsError: 35,
  /** To the side that iterates: begin (number 0), or this number of values has been consumed. */
  credit: 36,
  /** To the side that iterates: no more values are wanted. */
  stop: 37,
  /** Both ways: descriptors are to come. Nothing else is sent until the answer. */
  descriptorsAhead: 38,
  /** The answer: descriptors may come. Until then, the receiver does not look for them, which is faster. */
  descriptorsWelcome: 39,
  /** Both ways, before the frame that it belongs to: a large binary among its values. */
  binary: 48,
  /** Both ways, before the frame that they belong to: which attachment belongs where. Payload: JSON. */
  notes: 49,
  /** Both ways, before the frame that they belong to: this number of descriptors came with this frame. */
  descriptors: 50,
} as const

/** How many values an event may have: they become the arguments of `onEvent`. */
export const MOST_EVENT_VALUES = 10_000

/** The largest payload of `notes`, in bytes: parsed, it takes about fifty times the memory. */
export const MOST_NOTES_BYTES: number = 1 << 20

/** The longest name of an export, in bytes: the process trusts its caller. */
const MOST_NAME_BYTES = 0xffffffff

/** The largest payload of an error, in bytes: the limit of the error codec. */
export const MOST_ERROR_BYTES: number = 3 << 22

/** Frames that may come between an attachment and the frame that it belongs to, because they overtake others. */
export function isUrgent(kind: number): boolean {
  return kind === Kind.credit || kind === Kind.stop || kind === Kind.descriptorsWelcome || kind === Kind.cancel
}

/** Reports whether the payload of a frame is a list of values, so that attachments may belong to it. */
export function hasValues(kind: number): boolean {
  return (
    kind === Kind.call || kind === Kind.result || kind === Kind.event || kind === Kind.item || kind === Kind.nothing
  )
}

/**
 * The largest payload that one side accepts with each kind, in bytes: -1 for a kind that it does not accept, and
 * `Infinity` for payloads that count towards `maxMessageBytes`.
 */
export type Accepted = Float64Array

const fromEither: [kind: number, bytes: number][] = [
  [Kind.item, Infinity],
  [Kind.itemsEnd, 0],
  [Kind.itemsError, MOST_ERROR_BYTES],
  [Kind.credit, 0],
  [Kind.stop, 0],
  [Kind.descriptorsAhead, 0],
  [Kind.descriptorsWelcome, 0],
  [Kind.binary, Infinity],
  [Kind.notes, MOST_NOTES_BYTES],
  [Kind.descriptors, 0],
]

/** What a caller accepts from its process. */
export const acceptedFromProcess: Accepted = accepted([
  ...fromEither,
  [Kind.ready, 0],
  [Kind.result, Infinity],
  [Kind.error, MOST_ERROR_BYTES],
  [Kind.event, Infinity],
  [Kind.fatal, MOST_ERROR_BYTES],
  [Kind.dropped, 0],
  [Kind.uncaught, MOST_ERROR_BYTES],
  [Kind.stranded, 0],
])

/** What a process accepts from its caller. */
export const acceptedFromCaller: Accepted = accepted([
  ...fromEither,
  [Kind.call, Infinity],
  [Kind.end, 0],
  [Kind.cancel, 0],
  [Kind.name, MOST_NAME_BYTES],
  [Kind.nothing, Infinity],
])

/** The kinds whose headers have a number. In others, it is 0. */
const numbered: readonly number[] = [Kind.call, Kind.name, Kind.nothing, Kind.credit, Kind.descriptors]

/** The bits of kind, flags, and number that are the same in all headers of a kind: those of `MARK << 8`. */
export const FIXED_BITS: Uint32Array = Uint32Array.from({ length: 256 }, (_, kind) =>
  numbered.includes(kind) ? MARK_BITS << 8 : 0xffff0000 + (MARK_BITS << 8),
)

function accepted(kinds: [kind: number, bytes: number][]): Accepted {
  const most = new Float64Array(256).fill(-1)
  for (const [kind, bytes] of kinds) most[kind] = bytes
  return most
}

/** Kinds from this one on belong to the frame after them. */
export const FIRST_ATTACHMENT: number = Kind.binary

export const Flag = {
  /** Notes came before this frame. */
  attachments: 1,
  /** The caller may cancel this call. */
  cancellable: 2,
  /** The process must claim this call before it begins it. If it cannot, it answers `dropped`. */
  claimed: 4,
} as const

/** How deep within arrays and objects an attachment may be. */
export const MOST_KEYS = 1000

/** The position of an attachment: an index into the list of values, then keys of arrays and objects. */
export type Path = (string | number)[]

/** Says which attachment belongs at which position. */
export type Note =
  /** The next binary. It becomes an object of the named class. */
  | [what: 'binary', path: Path, type: string]
  /** The stream of this ID. */
  | [what: 'stream', path: Path, id: number]
  /** The next descriptor. */
  | [what: 'fd', path: Path]
