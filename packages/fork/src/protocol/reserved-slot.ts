import { type Descriptor, dup } from '@anyfork/fdpass'

/** A slot of the descriptor table that is kept for an order to come in when all others are taken. */
export class ReservedSlot {
  readonly #source: () => Descriptor
  #spare: Descriptor | undefined

  /** @param source - what to fill the slot with: something that it matters to nobody to have open */
  constructor(source: () => Descriptor) {
    this.#source = source
    this.take()
  }

  /** The number that is kept, if there is one. */
  get fd(): number | undefined {
    return this.#spare?.fd
  }

  /** Takes the slot, where it is free. */
  take(): void {
    try {
      this.#spare ??= dup(this.#source())
    } catch {
      // there is none: later there may be
    }
  }

  /** Frees the slot; whether it was kept. */
  free(): boolean {
    const spare = this.#spare
    this.#spare = undefined
    spare?.close()
    return spare !== undefined
  }
}
