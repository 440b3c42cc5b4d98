import type { Descriptor } from '@anyfork/fdpass'
import { shareWords } from '@anyfork/fdpass/internal'
import { CLAIMS, Claim, WORDS, Word } from '../wire/claim-words.js'

/** Why the promise of a call that was taken back rejects. */
export const TAKEN_BACK: Error = new Error('the call was taken back')

/** The caller's side of the claims on calls. Without shared memory, there are none. A process that lies harms only its own calls. */
export class Claims {
  /** Lets the process map the memory. Close it once it is sent. */
  readonly descriptor: Descriptor
  readonly #words: Int32Array
  #isMapped = false

  private constructor(words: Int32Array, descriptor: Descriptor) {
    this.#words = words
    this.descriptor = descriptor
  }

  /** Returns undefined where memory cannot be shared. */
  static make(): Claims | undefined {
    try {
      const { words, descriptor } = shareWords(WORDS)
      return new Claims(words, descriptor)
    } catch {
      return undefined
    }
  }

  /** Whether the process claims calls before it begins them. */
  get isMapped(): boolean {
    return (this.#isMapped ||= Atomics.load(this.#words, Word.mapped) === 1)
  }

  /** A number that changes whenever the process has run a call that was not short. */
  get longCalls(): number {
    return Atomics.load(this.#words, Word.longCalls)
  }

  /** Opens the claim on a call that is about to be sent. Returns false if its ID has none. */
  open(id: number): boolean {
    if (id >= CLAIMS) return false
    Atomics.store(this.#words, Word.firstClaim + id, Claim.open)
    return true
  }

  /** Returns false if the process has begun the call. If not, it never will. */
  takeBack(id: number): boolean {
    return (
      id < CLAIMS &&
      Atomics.compareExchange(this.#words, Word.firstClaim + id, Claim.open, Claim.takenBack) === Claim.open
    )
  }
}
