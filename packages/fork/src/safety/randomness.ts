import * as crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { requireModule } from '../entry-files.js'

/** How many values Node computes ahead (lib/internal/crypto/random.js). All children would get the same ones. */
const UUIDS_AHEAD = 128
const INTS_AHEAD = 1024

const state = new Uint32Array(4)
const { randomInt, randomUUID } = crypto
let areUuidsAhead = false
let areIntsAhead = false

/**
 * Replaces `Math.random`, because V8's cannot be seeded again, and notes whether code makes Node compute random values
 * ahead. Call this before other code can keep references to these functions.
 */
export function installRandomness(): void {
  seed()
  Object.defineProperty(Math, 'random', { value: { random }.random, writable: true, configurable: true })
  const module = requireModule('node:crypto') as { randomInt: unknown; randomUUID: unknown }
  module.randomInt = noting(randomInt, () => (areIntsAhead = true))
  module.randomUUID = noting(randomUUID, () => (areUuidsAhead = true))
  const web = Object.getPrototypeOf(crypto.webcrypto) as { randomUUID: (...args: never[]) => unknown }
  web.randomUUID = noting(web.randomUUID, () => (areUuidsAhead = true))
  syncBuiltinESMExports()
}

/** For a program that may have used these functions before `installRandomness` was called. */
export function assumeRandomnessUsed(): void {
  areUuidsAhead = true
  areIntsAhead = true
}

/** Makes all random sources of this process independent of those of the process that it was forked from. */
export function renewRandomness(): void {
  seed()
  if (areUuidsAhead) for (let i = 0; i < UUIDS_AHEAD; i++) randomUUID()
  if (areIntsAhead) for (let i = 0; i < INTS_AHEAD; i++) randomInt(2)
  // The stores are full again, and children of this process would share their values: the notes stay set.
}

/** Returns the same function, which calls `note` first. */
function noting<F extends (...args: never[]) => unknown>(original: F, note: () => void): F {
  const noted = function (this: unknown, ...args: Parameters<F>): unknown {
    note()
    return Reflect.apply(original, this, args)
  }
  return Object.defineProperties(noted, Object.getOwnPropertyDescriptors(original)) as unknown as F
}

function seed(): void {
  const result = binding.fillRandom(state)
  if (result < 0) throw systemError(result, 'getentropy')
}

/** xoshiro128** by Blackman and Vigna, twice, for the 53 bits of a double. */
function random(): number {
  const high = next() >>> 5
  const low = next() >>> 6
  return (high * 0x4000000 + low) / 0x20000000000000
}

function next(): number {
  const [a, b, c, d] = state as unknown as [number, number, number, number]
  const scrambled = Math.imul(b, 5)
  state[2] = c ^ a
  state[3] = d ^ b
  state[1] = b ^ state[2]!
  state[0] = a ^ state[3]!
  state[2] = state[2]! ^ (b << 9)
  state[3] = (state[3]! << 11) | (state[3]! >>> 21)
  return Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
}
