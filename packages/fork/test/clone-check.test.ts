import assert from 'node:assert/strict'
import { deserialize, serialize } from 'node:v8'
import { checkClone } from '@anyfork/fork/internal/error-codec'
import { describe, it } from 'mocha'

const BUDGET = 1 << 20

/** A number in the format of V8: seven bits in each byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}

/** Serialised bytes of these parts: text for tags, numbers for numbers. */
function clone(...parts: (string | number)[]): Buffer {
  const bytes = parts.flatMap(part => (typeof part === 'string' ? [...Buffer.from(part)] : varint(part)))
  return Buffer.concat([serialize(undefined).subarray(0, 2), Buffer.from(bytes)])
}

/** An array that has a hole for almost every element. */
function sparse(): unknown[] {
  const array: unknown[] = []
  array[100] = 'last'
  return Object.assign(array, { named: 1 })
}

function cyclic(): object {
  const object: { self?: object } = {}
  object.self = object
  return object
}

describe('the check of a structured clone', () => {
  const values: Record<string, unknown> = {
    'simple values': [undefined, null, true, false, 1, -1, 2 ** 31, 1.5, NaN, -0],
    'texts of one and of two bytes a character': ['', 'a', 'ä', '日本', 'a日'],
    'big integers': [0n, 1n, -(2n ** 70n)],
    'objects with keys of text and numbers': { a: 1, 2: { '': [] }, '-1.5': 'x' },
    'arrays with holes and properties': [new Array(3), sparse(), Object.assign([1], { named: 2 })],
    'sets and maps': [
      new Set([1, {}, 'a']),
      new Map<unknown, unknown>([
        [{}, 1],
        ['a', new Map()],
      ]),
    ],
    'dates and regular expressions': [new Date(0), new Date(NaN), /日+/giu],
    'objects of primitive values': [Object(true), Object(false), Object(1.5), Object('日'), Object(1n)],
    errors: [new Error('plain'), new RangeError('caused', { cause: new Error('cause') }), new AggregateError([1])],
    'buffers and typed arrays': [Buffer.from('abc'), new Uint16Array(3), new DataView(new ArrayBuffer(2))],
    'array buffers': [new ArrayBuffer(0), new ArrayBuffer(100)],
    'one object twice': ((shared: object) => [shared, shared])({ a: 1 }),
    'a cycle': cyclic(),
  }
  for (const [what, value] of Object.entries(values)) {
    it(`accepts ${what}`, () => {
      const bytes = serialize(value)
      deserialize(bytes) // this interpreter can
      checkClone(bytes, BUDGET)
    })
  }

  it('accepts a buffer that can grow', () => void checkClone(clone('~', 4, 100, '????'), BUDGET))

  const large: Record<string, Buffer> = {
    'an array that claims 33,554,431 elements': clone('a', 2 ** 25 - 1, '@', 0, 2 ** 25 - 1),
    'arrays within arrays that each claim all bytes': Buffer.concat([
      clone(...Array.from({ length: 100 }, () => ['A', 60_000]).flat()),
      Buffer.alloc(61_000, '_'),
    ]),
    'a buffer that claims to grow to 2 GiB': clone('~', 0, 2 ** 31),
    'more values than the budget allows': serialize(Array.from({ length: 30_000 }, () => ({}))),
    'a text that takes more than the budget': serialize('a'.repeat(BUDGET)),
  }
  for (const [what, bytes] of Object.entries(large))
    it(`throws RangeError for ${what}`, () => assert.throws(() => checkClone(bytes, BUDGET), { name: 'RangeError' }))

  const malformed: Record<string, Buffer> = {
    'no bytes': Buffer.alloc(0),
    'another version of the format': Buffer.from([0xff, 0x0d, 0x5f]),
    'no version': Buffer.from('_'),
    'an unknown tag': clone('%'),
    'a hole that is no element': clone('-'),
    'a buffer of another thread': clone('u', 0),
    'a transferred buffer': clone('t', 0),
    'a key that is an object': clone('o', 'o{', 0, '_', '{', 1),
    'a key without a value': clone('o', '"', 1, 'a', '{', 1),
    'a map with a key without a value': clone(';', '_', ':', 1),
    'the end of another value': clone('o', '$', 0, 0),
    'an array that is longer than the bytes': clone('A', 100, '_'),
    'a text that is longer than the bytes': clone('"', 100, 'a'),
    'a number of more than 32 bits': Buffer.concat([clone('U'), Buffer.alloc(5, 0xff), Buffer.from([1])]),
    'bytes after the value': clone('__'),
  }
  for (const [what, bytes] of Object.entries(malformed))
    it(`throws TypeError for ${what}`, () => assert.throws(() => checkClone(bytes, BUDGET), { name: 'TypeError' }))

  it('throws TypeError for values that are cut anywhere', () => {
    const bytes = serialize({ ...values, last: 1 })
    for (let end = 0; end < bytes.length; end++)
      assert.throws(() => checkClone(bytes.subarray(0, end), BUDGET), { name: 'TypeError' }, `${end} bytes`)
  })
})
