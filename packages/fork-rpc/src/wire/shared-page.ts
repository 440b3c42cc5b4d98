/**
 * The memory that a caller and its process share, so that they agree on which calls have begun, even while the process
 * blocks: words of 32 bits, then the bytes of responses that the process has deferred.
 */
export const Word = {
  /** 1 once the process has mapped the memory. */
  mapped: 0,
  /** How many calls the process has begun. */
  begun: 1,
  /** How many of them were long. */
  long: 2,
  /** The position of the first deferred byte in the stream of all bytes from the process, and how many there are. */
  deferredFrom: 3,
  deferred: 4,
  /** The claim on the call with the ID 0. Those of the following IDs come after it. */
  firstClaim: 5,
} as const

/** IDs from this one on have no claim. */
export const CLAIMS = 256

const WORD_BYTES = 4
const RESPONSES_AT: number = (Word.firstClaim + CLAIMS) * WORD_BYTES
/** The length of the memory, in words: a page of 4 KiB. */
export const WORDS = 1024

/** The states of a claim. It leaves `open` once, by an atomic exchange. */
export const Claim = {
  open: 0,
  /** The process has begun the call. */
  begun: 1,
  /** The caller has taken the call back. */
  takenBack: 2,
} as const

/** Returns the part of the memory that holds deferred responses. */
export function responsesIn(words: Int32Array): Buffer {
  return Buffer.from(words.buffer, RESPONSES_AT, WORDS * WORD_BYTES - RESPONSES_AT)
}
