import type { Descriptor } from '@anyfork/fdpass'
import { disposeAll } from '../wire/dispose-all.js'
import type { Attached } from './encode-values.js'
import { isUsedUp } from './used-up.js'

/**
 * The arguments of a call as they were when it was made: encoded, with the attachments that are sent beside them. Any
 * connection with the same serialiser can send them, more than once unless descriptors are among them.
 */
export class EncodedRequest {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly #attached: Attached | undefined

  /** @param attached - belongs to this object from now on */
  constructor(bytes: Buffer, start: number, end: number, attached: Attached | undefined) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.#attached = attached
  }

  /** The size in bytes, with large binaries, which are not copied. */
  get size(): number {
    const size = this.end - this.start
    return this.#attached ? size + this.#attached.binaryBytes : size
  }

  /** Whether nothing is sent beside it. */
  get isPlain(): boolean {
    return !this.#attached
  }

  /** Whether it can be sent, for the first time or again: its descriptors are here, and no one-time iterable was begun. */
  get isSendable(): boolean {
    return !this.#attached || (!this.#attached.isIncomplete && !this.#attached.streams.some(isUsedUp))
  }

  /** Hands over the attachments, to be sent. Their descriptors belong to the caller from now on. */
  handOver(): Attached | undefined {
    return this.#attached && { ...this.#attached, descriptors: this.#takeDescriptors(this.#attached) }
  }

  /** Closes the descriptors, unless they were handed over: the request will not be sent. */
  discard(): void {
    if (this.#attached) disposeAll(this.#takeDescriptors(this.#attached))
  }

  #takeDescriptors(attached: Attached): Descriptor[] {
    if (attached.descriptors.length) attached.isIncomplete = true
    return attached.descriptors.splice(0)
  }
}
