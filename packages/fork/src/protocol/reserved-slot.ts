import { type Descriptor, dup } from '@anyfork/fdpass'

/**
 * A slot of the descriptor table that is kept occupied, and freed to receive an order when all other slots are taken.
 */
export class ReservedSlot {
  readonly #source: () => Descriptor
  #spare: Descriptor | undefined

  /** @param source - returns a descriptor to duplicate into the slot; a duplicate of it must do no harm */
  constructor(source: () => Descriptor) {
    this.#source = source
    this.take()
  }

  /** The number of the slot, while it is occupied. */
  get fd(): number | undefined {
    return this.#spare?.fd
  }

  /** Occupies a slot, if that has not been done and one is free. */
  take(): void {
    try {
      this.#spare ??= dup(this.#source())
    } catch {
      // no slot is free; the next call may find one
    }
  }

  /** Frees the slot. Returns whether it was occupied. */
  free(): boolean {
    const spare = this.#spare
    this.#spare = undefined
    spare?.close()
    return spare !== undefined
  }
}
