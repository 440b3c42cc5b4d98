/**
 * What goes over the socket between a caller and the process that it calls: a
 * header of 12 bytes, then the payload.
 *
 *     u32 payload length · u32 id · u8 kind · u8 flags · u16 number
 *
 * All numbers are little-endian. docs/WIRE.md tells what the kinds mean.
 */
export const HEADER_BYTES = 12

/** Positions within a header. */
export const At = { length: 0, id: 4, kind: 8, flags: 9, number: 10 } as const

/** Payloads from this size on are not copied together with others, and get memory of their own where they are read. */
export const LARGE_BYTES: number = 1 << 16

export const Kind = {
  /** To the child: call the function of this number. Payload: its arguments. */
  call: 1,
  /** To the child: answer the calls before this, then end. */
  end: 2,
  /** To the child: the caller does not wait for the call of this id any more. */
  cancel: 3,
  /** To the child: from now on this number means the export that the payload names. */
  name: 4,
  /** From the child: it can be called. */
  ready: 16,
  /** From the child: what the call of this id returned. */
  result: 17,
  /** From the child: what the call of this id threw. Payload: a PlainError by V8's serialiser. */
  error: 18,
  /** From the child: an event. Payload: its values. */
  event: 19,
  /** From the child: it cannot serve. Payload: a PlainError by V8's serialiser. */
  fatal: 20,
  /** From the child: the call of this id was cancelled before it began. */
  dropped: 21,
  /** Either way: to be ignored, a call that was withdrawn. */
  nothing: 32,
  /** From who iterates: the next value of the stream of this id. Payload: the value. */
  item: 33,
  /** From who iterates: the stream of this id has ended. */
  itemsEnd: 34,
  /** From who iterates: the stream of this id has failed. Payload: a PlainError by V8's serialiser. */
  itemsError: 35,
  /** To who iterates: begin, or go on; so many values, by the number, have been consumed. */
  credit: 36,
  /** To who iterates: no more values are wanted. */
  stop: 37,
  /** Either way: descriptors are to come. Nothing comes after this until the answer. */
  descriptorsAhead: 38,
  /** The answer: they may come. Without, descriptors are not looked for, which is quicker. */
  descriptorsWelcome: 39,
  /** Either way, before the frame that it belongs to: a large part of its values. */
  binary: 48,
  /** Either way, before the frame that it belongs to: what is to be put where among its values. Payload: JSON. */
  notes: 49,
  /** Either way, before the frame that they belong to: so many descriptors, by the number, came with this. */
  descriptors: 50,
} as const

/** Kinds from this one on belong to the frame after them. */
export const FIRST_ATTACHMENT: number = Kind.binary

export const Flag = {
  /** Notes came before. */
  attachments: 1,
  /** Of a call: the caller may give it up. */
  cancellable: 2,
} as const

/** The position of an attachment: an index into the list of values, then keys of arrays and objects. */
export type Path = (string | number)[]

/** Says which attachment belongs at which position. */
export type Note =
  /** The next binary. It becomes an object of the named class. */
  | [what: 'binary', path: Path, type: string]
  /** The stream of this id. */
  | [what: 'stream', path: Path, id: number]
  /** The next descriptor. */
  | [what: 'fd', path: Path]
