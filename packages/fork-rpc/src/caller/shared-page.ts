import type { Descriptor } from '@anyfork/fdpass'
import { shareWords } from '@anyfork/fdpass/internal'
import { CLAIMS, Claim, responsesIn, WORDS, Word } from '../wire/shared-page.js'

/** Why the promise of a call that was taken back rejects. */
export const TAKEN_BACK: Error = new Error('the call was taken back')

/** The caller's side of the shared memory. With false contents, a process harms only its own calls. */
export class SharedPage {
  /** Lets the process map the memory. Close it once it is sent. */
  readonly descriptor: Descriptor
  readonly #words: Int32Array
  #isMapped = false

  private constructor(words: Int32Array, descriptor: Descriptor) {
    this.#words = words
    this.descriptor = descriptor
  }

  /** Returns undefined where memory cannot be shared. */
  static make(): SharedPage | undefined {
    try {
      const { words, descriptor } = shareWords(WORDS)
      return new SharedPage(words, descriptor)
    } catch {
      return undefined
    }
  }

  /** Whether the process claims calls before it begins them. */
  get isMapped(): boolean {
    return (this.#isMapped ||= Atomics.load(this.#words, Word.mapped) === 1)
  }

  /** A number that changes whenever the process begins a call. */
  get begun(): number {
    return Atomics.load(this.#words, Word.begun)
  }

  /** A number that changes whenever the process has run a call that was not short. */
  get longCalls(): number {
    return Atomics.load(this.#words, Word.long)
  }

  /** Opens the claim on a call that is about to be sent. Returns false if its ID has none. */
  openClaim(id: number): boolean {
    if (id >= CLAIMS) return false
    Atomics.store(this.#words, Word.firstClaim + id, Claim.open)
    return true
  }

  /** Returns false if the process has begun the call. If not, it never will. */
  takeBack(id: number): boolean {
    return Atomics.compareExchange(this.#words, Word.firstClaim + id, Claim.open, Claim.takenBack) === Claim.open
  }

  /**
   * Returns a copy of the responses that the process, which has ended, had deferred and not sent.
   *
   * @param received - how many bytes have been received from the process
   */
  unsent(received: number): Buffer {
    const responses = responsesIn(this.#words)
    const from = (received - Atomics.load(this.#words, Word.deferredFrom)) | 0
    const end = Math.min(Atomics.load(this.#words, Word.deferred), responses.length)
    return Buffer.from(from >= 0 && from < end ? responses.subarray(from, end) : [])
  }
}
