import { availableParallelism } from 'node:os'

/** How long to look for what comes before sleeping, in microseconds, where nothing else is said. */
export const SPIN_US = 50
/** The rest of what has begun to come is sooner there than a processor is woken, in microseconds. */
const REST_US = 30
/** After so many times in a row that nothing came, it is tried less and less often. */
const PATIENCE = 4
const LEAST_OFTEN = 1 << 12
/** How often to ask how many processors there are. */
const LOOK_EVERY = 1 << 10

/**
 * Decides when to spin: to look again and again for what comes, instead of sleeping. To
 * wake a processor that sleeps takes many times what a round trip takes otherwise. But
 * it only pays where there is another processor for the peer, and where the peer answers
 * soon: when it did not some times in a row, spinning is given up, and tried again less
 * and less often.
 */
export class Spin {
  readonly #microseconds: number
  #misses = 0
  #skip = 0
  #untilLook = 0
  #isAlone = true

  /** @param microseconds - how long to look; 0 for never */
  constructor(microseconds: number) {
    this.#microseconds = microseconds
  }

  /** Whether there is no other processor for the peer: nothing comes while this one spins. */
  checkAlone(): boolean {
    if (this.#untilLook-- <= 0) {
      this.#untilLook = LOOK_EVERY
      this.#isAlone = availableParallelism() < 2
    }
    return this.#isAlone
  }

  /** How long to look for the rest of what has begun to come, in microseconds: it is on its way. */
  nextForRest(): number {
    return this.checkAlone() ? 0 : Math.min(this.#microseconds, REST_US)
  }

  /** How long to look now, in microseconds; 0 for not at all. After it was done, `recordOutcome` is to be called. */
  next(): number {
    if (this.#microseconds === 0) return 0
    if (this.#skip > 0) {
      this.#skip--
      return 0
    }
    return this.#microseconds
  }

  /** @param hasCome - whether something came while it was looked for */
  recordOutcome(hasCome: boolean): void {
    if (hasCome) this.#misses = 0
    else if (++this.#misses > PATIENCE) this.#skip = Math.min(2 ** (this.#misses - PATIENCE), LEAST_OFTEN)
  }
}
