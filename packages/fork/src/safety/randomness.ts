import * as crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { requireModule } from '../entry-files.js'

/** Node computes so many ahead (lib/internal/crypto/random.js), and children would all get the same. */
const UUIDS_AHEAD = 128
const INTS_AHEAD = 1024

const state = new Uint32Array(4)
const { randomInt, randomUUID } = crypto
let areUuidsAhead = false
let areIntsAhead = false

/**
 * Puts a `Math.random` in the place of V8's, whose seed nobody can renew, and
 * notes whether anybody makes Node compute random values ahead. To be called
 * before other code can take hold of these functions.
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

/** In a program that may have used them before the note-taking began. */
export function assumeRandomnessUsed(): void {
  areUuidsAhead = true
  areIntsAhead = true
}

/** Makes all random sources of this process independent of those that it was copied from. */
export function renewRandomness(): void {
  seed()
  if (areUuidsAhead) for (let i = 0; i < UUIDS_AHEAD; i++) randomUUID()
  if (areIntsAhead) for (let i = 0; i < INTS_AHEAD; i++) randomInt(2)
  // That has filled the stores anew: children of this process would share what is in them now.
}

/** The same function with a note taken of its use. */
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
