import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'

/** How a descriptor that comes finds a free slot in the descriptor table. */
export type Reservation = 'sentinel' | 'peek' | 'both'

/**
 * The close-dup trick of AnyEvent::FDpasser: descriptors that are good for nothing
 * but their slots. They are closed right before receiving, so that there is room, and
 * taken again right after. When they cannot be taken the table is full, and receiving
 * has to pause. Threads that open files in between can take the slots; that is what
 * peeking is for.
 */
export class SlotReservation {
  readonly #source: Handle
  readonly #slots: number
  readonly #sentinels: Descriptor[] = []

  /**
   * @param source - what is duplicated; borrowed
   * @param slots - how many to hold, as many as one message may bring
   */
  constructor(source: Handle, slots: number) {
    this.#source = source
    this.#slots = slots
  }

  /** Whether all slots are held: only then may something be received. */
  get isHeld(): boolean {
    return this.#sentinels.length === this.#slots
  }

  /** Makes room. */
  release(): void {
    for (const sentinel of this.#sentinels.splice(0)) sentinel.close()
  }

  /** Takes the slots again; false when the table is full. What it got by then, it keeps. */
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
