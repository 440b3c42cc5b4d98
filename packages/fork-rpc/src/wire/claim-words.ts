/**
 * The memory that a caller and its process share, so that they agree on which calls have begun, even while the process
 * blocks: words of 32 bits.
 */
export const Word = {
  /** 1 once the process has mapped the memory. */
  mapped: 0,
  /** How many long calls the process has run. */
  longCalls: 1,
  /** The claim on the call with the ID 0. Those of the following IDs come after it. */
  firstClaim: 2,
} as const

/** A page. */
export const WORDS = 1024

/** IDs from this one on have no claim. */
export const CLAIMS: number = WORDS - Word.firstClaim

/** The states of a claim. It leaves `open` once, by an atomic exchange. */
export const Claim = {
  open: 0,
  /** The process has begun the call. */
  begun: 1,
  /** The caller has taken the call back. */
  takenBack: 2,
} as const
