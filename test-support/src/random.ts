/** A source of random numbers that gives the same ones for the same seed: xorshift32. */
export class Random {
  #state: number

  /** @param seed - an integer other than 0 */
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 1 // seeds in a row shall not give similar numbers
  }

  /** Returns an integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return Math.floor(((this.#state >>> 0) / 2 ** 32) * limit)
  }

  /** Returns true in one of so many cases. */
  isOneIn(cases: number): boolean {
    return this.below(cases) === 0
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  /** Returns an integer of any size up to 32 bits; those at the limits of sizes are frequent. */
  integer(): number {
    if (this.isOneIn(2))
      return this.pick([0, 1, 23, 24, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])
    return Math.floor(2 ** this.below(32) * (1 + this.below(1000) / 1000)) >>> 0
  }

  /** Returns a copy of bytes with a few changes: other bytes, bits, and lengths, parts cut out, repeated, or moved. */
  mutate(bytes: Uint8Array): Buffer {
    let mutated: Buffer = Buffer.from(bytes)
    for (let i = 1 + this.below(4); i > 0; i--) mutated = this.#mutateOnce(mutated)
    return mutated
  }

  /** Cuts bytes into pieces at random places. */
  cut(bytes: Buffer): Buffer[] {
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = this.isOneIn(2) ? at + 1 + this.below(16) : at + 1 + this.below(bytes.length)
      pieces.push(bytes.subarray(at, end))
      at = end
    }
    return pieces
  }

  #mutateOnce(bytes: Buffer): Buffer {
    if (!bytes.length) return this.bytes(this.below(20))
    const at = this.below(bytes.length)
    const end = at + this.below(Math.min(64, bytes.length - at) + 1)
    switch (this.below(7)) {
      case 0:
        bytes[at] = this.below(256)
        return bytes
      case 1:
        bytes[at]! ^= 1 << this.below(8)
        return bytes
      case 2:
        return bytes.subarray(0, at)
      case 3:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      case 4:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
      case 5:
        return Buffer.concat([bytes.subarray(0, at), this.bytes(this.below(9)), bytes.subarray(at)])
      default: {
        const number = Buffer.alloc(4)
        if (this.isOneIn(2)) number.writeUInt32LE(this.integer())
        else number.writeUInt32BE(this.integer())
        number.copy(bytes, at)
        return bytes
      }
    }
  }
}

/** How long one case may take, in milliseconds. Most take less than one. */
const MOST_MS = 10_000

/**
 * Tests many random cases. The seed of the first one is random, or the variable `ANYFORK_FUZZ_SEED` of the environment.
 * An error names the seed of its case, so that the case can be repeated.
 *
 * @param test - gets the random numbers of a case
 * @throws Error if a case throws, or takes longer than a few seconds
 */
export function fuzz(cases: number, test: (random: Random) => void): void {
  const first = Number(process.env['ANYFORK_FUZZ_SEED'] ?? 1 + Math.floor(Math.random() * 2 ** 30))
  console.log(`      ${cases} cases from ANYFORK_FUZZ_SEED=${first}`)
  for (let seed = first; seed < first + cases; seed++) {
    const startedAt = performance.now()
    try {
      test(new Random(seed))
    } catch (cause) {
      throw new Error(`the case of ANYFORK_FUZZ_SEED=${seed} fails: ${(cause as Error).message}`, { cause })
    }
    const took = performance.now() - startedAt
    if (took > MOST_MS) throw new Error(`the case of ANYFORK_FUZZ_SEED=${seed} takes ${took.toFixed()} ms`)
  }
}
