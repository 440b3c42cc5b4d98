import type { Descriptor } from '@anyfork/fdpass'
import { mapSharedWords } from '@anyfork/fdpass/internal'
import { Claim, WORDS, Word } from '../wire/claim-words.js'

/** A call is short if it takes less, in milliseconds. */
const SHORT_MS = 0.1

/** The process's side of the claims on calls, see `caller/claims.ts`. */
export class Claims {
  readonly #words: Int32Array
  #begunAt = 0

  private constructor(words: Int32Array) {
    this.#words = words
  }

  /**
   * Maps the memory. Returns undefined if that fails: the caller then sends no call that must be claimed.
   *
   * @param descriptor - owned by this function
   */
  static map(descriptor: Descriptor): Claims | undefined {
    try {
      const words = mapSharedWords(descriptor, WORDS)
      Atomics.store(words, Word.mapped, 1)
      return new Claims(words)
    } catch {
      return undefined
    } finally {
      descriptor.close()
    }
  }

  /** Claims a call. Returns false if the caller has taken it back. */
  claim(id: number): boolean {
    return Atomics.compareExchange(this.#words, Word.firstClaim + id, Claim.open, Claim.begun) === Claim.open
  }

  /** Call this when a call begins. */
  begin(): void {
    this.#begunAt = performance.now()
  }

  /** Call this when the function of a call has ended. */
  end(): void {
    if (performance.now() - this.#begunAt > SHORT_MS) Atomics.add(this.#words, Word.longCalls, 1)
  }
}
