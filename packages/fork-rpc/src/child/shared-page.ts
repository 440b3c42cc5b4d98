import type { Descriptor } from '@anyfork/fdpass'
import { mapSharedWords } from '@anyfork/fdpass/internal'
import { copyBytes } from '../wire/copy-bytes.js'
import { Claim, responsesIn, WORDS, Word } from '../wire/shared-page.js'

/** A call is short if it takes less, in milliseconds. */
const SHORT_MS = 0.2

/** The process's side of the memory that it shares with its caller. */
export class SharedPage {
  readonly #words: Int32Array
  readonly #responses: Buffer
  #begun = 0
  #begunAt = 0
  #deferredFrom = 0
  #deferred = 0

  private constructor(words: Int32Array) {
    this.#words = words
    this.#responses = responsesIn(words)
  }

  /**
   * Maps the memory. Returns undefined if that fails: the caller then sends no call that must be claimed.
   *
   * @param descriptor - owned by this function
   */
  static map(descriptor: Descriptor): SharedPage | undefined {
    try {
      const words = mapSharedWords(descriptor, WORDS)
      Atomics.store(words, Word.mapped, 1)
      return new SharedPage(words)
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
    Atomics.store(this.#words, Word.begun, ++this.#begun | 0)
    this.#begunAt = performance.now()
  }

  /** Call this when the function of a call has ended. */
  end(): void {
    if (performance.now() - this.#begunAt > SHORT_MS) Atomics.add(this.#words, Word.long, 1)
  }

  /**
   * Copies bytes whose write is deferred, so that the caller gets them if this process crashes before. Returns false if
   * there is no room.
   *
   * @param position - of the first byte in the stream of all bytes that this process sends. With the same position, only
   *   bytes at the end were added since
   */
  keep(position: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start > this.#responses.length) return false
    if (position !== this.#deferredFrom) {
      Atomics.store(this.#words, Word.deferred, 0)
      Atomics.store(this.#words, Word.deferredFrom, position | 0)
      this.#deferredFrom = position
      this.#deferred = 0
    }
    copyBytes(bytes, start + this.#deferred, end, this.#responses, this.#deferred)
    this.#deferred = end - start
    Atomics.store(this.#words, Word.deferred, this.#deferred)
    return true
  }
}
