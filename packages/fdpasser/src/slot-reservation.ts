import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'

/**
 * How an arriving descriptor finds a free slot in the descriptor table: `'sentinel'` holds a slot with a descriptor
 * that is closed right before receiving, `'peek'` looks at a message before receiving it, and `'both'` does both.
 */
export type Reservation = 'sentinel' | 'peek' | 'both'

/**
 * The close-dup trick of AnyEvent::FDpasser. Sentinels are descriptors that serve only to hold slots of the descriptor
 * table. They are closed right before receiving, to make room, and duplicated again right after. If that fails, the
 * table is full, and receiving must pause. A thread that opens a file in between can take a slot; peeking handles that
 * case.
 */
export class SlotReservation {
  readonly #source: Handle
  readonly #slots: number
  readonly #sentinels: Descriptor[] = []

  /**
   * @param source - the descriptor to duplicate; borrowed
   * @param slots - the number of slots to hold: the largest number of descriptors in a message
   */
  constructor(source: Handle, slots: number) {
    this.#source = source
    this.#slots = slots
  }

  /** Reports whether all slots are held. Receive only then. */
  get isHeld(): boolean {
    return this.#sentinels.length === this.#slots
  }

  /** Closes the sentinels to make room. */
  release(): void {
    for (const sentinel of this.#sentinels.splice(0)) sentinel.close()
  }

  /** Takes the missing slots. Returns false if the table is full; the slots taken until then stay held. */
  take(): boolean {
    try {
      while (!this.isHeld) this.#sentinels.push(dup(this.#source))
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EMFILE' || code === 'ENFILE') return false
      throw error
    }
  }
}
