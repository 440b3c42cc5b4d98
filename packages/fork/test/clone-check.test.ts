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

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

/** An object whose indexes are so far apart that V8 makes a table of them, and then room for all, in turn. */
function changing(): object {
  const object: Record<number, number> = {}
  for (let i = 0; i < 3000; i++) object[i] = i
  for (let i = 0; i < 35; i++) object[5600 + 1100 * i] = object[i]!
  return object
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
    'objects with keys of text and numbers': {
      a: 1,
      2: { '': [] },
      '-1.5': 'x',
      '01': 0,
      3e9: 0,
      4294967295: 0,
      1e10: 0,
    },
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

  const usual: Record<string, unknown> = {
    'records whose keys are identifiers': Array.from({ length: 1000 }, (_, i) => ({ [100_000 + 7 * i]: i, 2024: i })),
    'an object with all indexes': { ...Array.from({ length: 5000 }, (_, i) => i) },
    'sets of texts that are indexes': new Set(Array.from({ length: 10_000 }, (_, i) => String(3 * i))),
  }
  for (const [what, value] of Object.entries(usual))
    it(`accepts ${what}`, () => void checkClone(serialize(value), BUDGET))

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
    'objects with an index before which V8 makes room': serialize(Array.from({ length: 100 }, () => ({ 999: 1 }))),
    'objects with such an index as a double': Buffer.concat([
      clone('A', 100),
      ...Array<Buffer>(100).fill(Buffer.concat([Buffer.from('oN'), double(999), Buffer.from('_{\u0001')])),
      Buffer.from('$\0d'),
    ]),
    'objects whose indexes grow': serialize(Array.from({ length: 40 }, () => ({ 999: 1, 2500: 1 }))),
    'arrays with an index beyond their length': clone(
      ...['A', 100],
      ...Array.from({ length: 100 }, () => ['A', 0, 'I', 1998, '_', '$', 1, 0]).flat(),
      ...['$', 0, 100],
    ),
    'an object whose indexes make V8 change its form again and again': serialize(changing()),
    'empty sets and maps': serialize(Array.from({ length: 10_000 }, (_, i) => (i % 2 ? new Set() : new Map()))),
    'a regular expression of many properties': serialize(new RegExp('\\p{L}'.repeat(1000))),
    'a regular expression of many properties in UTF-16': serialize(new RegExp(`日${'\\p{L}'.repeat(1000)}`)),
    'a long regular expression': serialize(new RegExp('a'.repeat(20_000))),
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
    'an index as text': clone('o', '"', 3, '999', '_', '{', 1),
    'an index as text of two bytes a character': clone('o', 'c', 2, '9\0', '_', '{', 1),
    'an index as text that is a property of an array': clone('A', 0, 'S', 1, '0', '_', '$', 1, 0),
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
