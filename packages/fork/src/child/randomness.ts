import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** Node computes so many ahead (lib/internal/crypto/random.js), and children would all get the same. */
const UUIDS_AHEAD = 128
const INTS_AHEAD = 1024

const state = new Uint32Array(4)

/** Puts a `Math.random` in the place of V8's, whose seed nobody can renew; code that took hold of it before keeps V8's. */
export function installRandomness(): void {
  seed()
  Object.defineProperty(Math, 'random', { value: { random }.random, writable: true, configurable: true })
}

/** Makes all random sources of this process independent of those that it was copied from. */
export function renewRandomness(): void {
  seed()
  for (let i = 0; i < UUIDS_AHEAD; i++) randomUUID()
  for (let i = 0; i < INTS_AHEAD; i++) randomInt(2)
}

function seed(): void {
  state.set(new Uint32Array(randomBytes(16).buffer.slice(0, 16)))
}

/** xoshiro128** by Blackman and Vigna, twice, for the 53 bits of a double. */
function random(): number {
  const high = next() >>> 5
  const low = next() >>> 6
  return (high * 0x4000000 + low) / 0x20000000000000
}

function next(): number {
  let [a, b, c, d] = state as unknown as [number, number, number, number]
  const scrambled = Math.imul(b, 5)
  const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
  const shifted = b << 9
  c ^= a
  d ^= b
  b ^= c
  a ^= d
  c ^= shifted
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = (d << 11) | (d >>> 21)
  return result
}
