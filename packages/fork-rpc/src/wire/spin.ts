import { availableParallelism } from 'node:os'

/** The default of the option `spin`, in microseconds. */
export const SPIN_US = 50
/**
 * The longest poll for the rest of a payload, in microseconds. The rest usually arrives in less time than it takes to
 * wake a processor.
 */
const REST_US = 30
/** After this many polls in a row without success, polls become rarer. */
const PATIENCE = 4
const LEAST_OFTEN = 1 << 12
/** After this many questions, the number of processors is measured again. */
const LOOK_EVERY = 1 << 10

/**
 * Decides when to spin, that is, to poll for data instead of sleeping. Waking a sleeping processor takes many times as
 * long as a round trip. Spinning pays only if the peer has another processor and responds soon: after several polls
 * without success, it is tried ever more rarely.
 */
export class Spin {
  readonly #microseconds: number
  #misses = 0
  #skip = 0
  #untilLook = 0
  #isAlone = true

  /** @param microseconds - how long to poll; 0: never */
  constructor(microseconds: number) {
    this.#microseconds = microseconds
  }

  /**
   * Reports whether there is a single processor, so that the peer cannot run while this side spins. Measures it again
   * from time to time.
   */
  checkAlone(): boolean {
    if (this.#untilLook-- <= 0) {
      this.#untilLook = LOOK_EVERY
      this.#isAlone = availableParallelism() < 2
    }
    return this.#isAlone
  }

  /** Returns how long to poll for the rest of a payload, in microseconds. */
  nextForRest(): number {
    return this.checkAlone() ? 0 : Math.min(this.#microseconds, REST_US)
  }

  /** Returns how long to poll now, in microseconds; 0: not at all. Call `recordOutcome` after polling. */
  next(): number {
    if (this.#microseconds === 0) return 0
    if (this.#skip > 0) {
      this.#skip--
      return 0
    }
    return this.#microseconds
  }

  /** @param hasCome - whether data arrived during the poll */
  recordOutcome(hasCome: boolean): void {
    if (hasCome) this.#misses = 0
    else if (++this.#misses > PATIENCE) this.#skip = Math.min(2 ** (this.#misses - PATIENCE), LEAST_OFTEN)
  }
}
