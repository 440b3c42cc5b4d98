import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'
import { closeAtThreadEnd } from '../thread-end.js'

/** QueuedDescriptors of descriptors, for what cannot be sent at once. They are closed also when this thread ends. */
export class QueuedDescriptors {
  readonly #descriptors: Descriptor[] = []
  readonly #releases: (() => void)[] = []

  /**
   * @param handles - borrowed
   * @throws the kernel's error when there is no room; nothing stays open then
   */
  constructor(handles: readonly Handle[]) {
    try {
      for (const handle of handles) {
        const descriptor = dup(handle)
        this.#descriptors.push(descriptor)
        this.#releases.push(closeAtThreadEnd(descriptor))
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** To be borrowed; none once they are closed. */
  get descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  /** Idempotent. */
  close(): void {
    for (const release of this.#releases.splice(0)) release()
    for (const descriptor of this.#descriptors.splice(0)) descriptor.close()
  }
}
