import { serialize } from 'node:v8'
import type { Attack } from './attacks.js'
import { frame } from './raw-frames.js'

const NULL = Buffer.from([0xf6])
/** Makes the quick pass give up, so that the check of every message runs: a date. */
const DATE = Buffer.from([0xc1, 0])
const PREFIX = serialize(undefined).subarray(0, 2)

/** Keys that make room for 3,767 elements, the most for so few. */
const GROWING = ['999', '2500']
const KINDS = { text: 3, array: 4, map: 5 } as const

/** The beginning of an item in CBOR. */
function head(kind: keyof typeof KINDS, length: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = (KINDS[kind] << 5) | 26
  bytes.writeUInt32BE(length, 1)
  return bytes
}

function text(content: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | content.length]), Buffer.from(content)])
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xd9, tag >> 8, tag & 0xff]), content])
}

/** A list with a list of items, and before it another value. */
function list(count: number, item: (i: number) => Buffer, first: Buffer = NULL): Buffer {
  const items = Array.from({ length: count }, (_, i) => item(i))
  return Buffer.concat([head('array', 1), head('array', 2), first, head('array', count), ...items])
}

function object(keys: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from([0xa0 | keys.length]), ...keys.flatMap(key => [text(key), NULL])])
}

/** Keys without gaps, and then keys with gaps for which V8 makes a table, and then room for all, in turn. */
function changing(dense: number, far: number): string[] {
  const keys = Array.from({ length: dense }, (_, i) => String(i))
  for (let i = 0; i < far; i++) keys.push(String(1.55 * dense + 1100 * i))
  return keys
}

/** The same bytes many times, as the elements of an array in the format of V8. */
function cloned(count: number, item: Buffer): Buffer {
  const length = [(count & 127) | 128, ((count >> 7) & 127) | 128, count >> 14]
  const items = Array<Buffer>(count).fill(item)
  return Buffer.concat([PREFIX, Buffer.from([0x41, ...length]), ...items, Buffer.from([0x24, 0, ...length])])
}

/** Attacks by values that take much more memory than their bytes. Their bytes are made when they are read. */
export function memoryAttacks(): Attack[] {
  const attack = (name: string, makePayload: () => Buffer, serialiser: Attack['serialiser'] = 'cbor'): Attack => ({
    name: `memory: ${serialiser}, ${name}`,
    get lies() {
      return [{ bytes: frame(17, { payload: makePayload() }) }]
    },
    serialiser,
  })
  const json = (count: number, item: string): Buffer => Buffer.from(`[[${Array<string>(count).fill(item).join()}]]`)
  const property = '\\p{RGI_Emoji}'
  const regExp = Buffer.concat([
    Buffer.from([0xd8, 27, 0x83]),
    text('RegExp'),
    Buffer.from([0x79, 0x40, 0]),
    Buffer.from(property.repeat(2 ** 11).slice(0, 2 ** 14)),
    text('v'),
  ])
  const source = Buffer.from(property.repeat(1000))
  const clonedRegExp = Buffer.concat([
    PREFIX,
    Buffer.from('AR"'.replace('A', 'A\u0001')),
    Buffer.from([(source.length & 127) | 128, source.length >> 7]),
    source,
    Buffer.from([0x80, 2, 0x24, 0, 1]),
  ])
  return [
    attack('objects with the key 999', () => list(50_000, () => object(['999']))),
    attack('objects with the key 999 after a date', () => list(50_000, () => object(['999']), DATE)),
    attack('objects whose keys grow', () => list(20_000, () => object(GROWING))),
    attack('objects whose keys grow after a date', () => list(20_000, () => object(GROWING), DATE)),
    attack('an object whose keys make V8 change its form 500 times', () =>
      list(1, () => Buffer.concat([head('map', 31_000), ...changing(30_000, 1000).flatMap(key => [text(key), NULL])])),
    ),
    attack('objects as entries with the key 999', () =>
      list(50_000, () => tagged(282, Buffer.concat([Buffer.from([0x82]), object(['999']).subarray(1)]))),
    ),
    attack('objects as entries with a tagged key', () =>
      list(50_000, () =>
        tagged(282, Buffer.concat([Buffer.from([0x82]), tagged(281, Buffer.from('F9\x009\x009\x00')), NULL])),
      ),
    ),
    attack('arrays with 999 holes', () => list(50_000, () => tagged(283, Buffer.from([0x81, 0x19, 3, 0xe7])))),
    attack('arrays of indefinite length', () => list(300_000, () => Buffer.from([0x9f, 1, 0xff]))),
    attack('objects that all have another key', () => list(400_000, i => object([i.toString(36).padStart(5, 'k')]))),
    attack('texts of 15 characters', () => list(700_000, i => text(String(i).padStart(15, 'k')))),
    attack('errors', () =>
      list(300_000, () => Buffer.concat([Buffer.from([0xd8, 27, 0x82]), text('Error'), text('m')])),
    ),
    attack('a regular expression of 1,000 lists of emojis', () => list(1, () => regExp)),
    attack('objects with the key 999', () => cloned(50_000, Buffer.from('oI\xce\x0f_{\x01', 'latin1')), 'v8'),
    attack(
      'objects with the key 999 as a double',
      () => cloned(50_000, Buffer.from('oN\0\0\0\0\0\x38\x8f\x40_{\x01', 'latin1')),
      'v8',
    ),
    attack('objects with the key 999 as text', () => cloned(50_000, Buffer.from('o"\x03999_{\x01', 'latin1')), 'v8'),
    attack('arrays with the property 999', () => cloned(50_000, Buffer.from('A\0I\xce\x0f_$\x01\0', 'latin1')), 'v8'),
    attack('sets', () => cloned(1_000_000, Buffer.from("',\0")), 'v8'),
    attack('a regular expression of 1,000 lists of emojis', () => clonedRegExp, 'v8'),
    attack('objects with the key 999', () => json(100_000, '{"999":0}'), 'json'),
    attack('objects whose keys grow', () => json(50_000, '{"0":0,"1":0,"2":0,"200":0}'), 'json'),
  ]
}
