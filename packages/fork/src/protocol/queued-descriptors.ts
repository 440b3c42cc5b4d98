import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'
import { openUntilThreadEnd } from '../thread-end.js'

/** Duplicates of the descriptors of a frame that has to wait. They are also closed when this thread ends. */
export class QueuedDescriptors {
  readonly #descriptors: Descriptor[] = []

  /**
   * @param handles - borrowed
   * @throws `EMFILE` if there is no room; no duplicate stays open
   */
  constructor(handles: readonly Handle[]) {
    try {
      for (const handle of handles) this.#descriptors.push(openUntilThreadEnd(() => dup(handle)))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** To be borrowed. Empty after `close`. */
  get descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  /** Idempotent. */
  close(): void {
    for (const descriptor of this.#descriptors.splice(0)) descriptor.close()
  }
}
