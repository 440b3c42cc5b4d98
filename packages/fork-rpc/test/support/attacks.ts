import { serialize } from 'node:v8'
import type { Lie, Lies } from '../fixtures/lying-worker.js'
import { memoryAttacks } from './memory-attacks.js'
import { cborArray, cborBytes, cborText, controlFrame, frame, longArrays, notes } from './raw-frames.js'

/** What a hostile process sends. */
export interface Attack extends Lies {
  name: string
  /** The serialiser of the connection. */
  serialiser?: 'cbor' | 'json' | 'octets' | 'v8'
}

const ATTACHED = 1
const INTEGER = Buffer.from([0x07])
const PLACEHOLDER = cborText('')
const ONE = cborArray(INTEGER)
const MIB = 1 << 20

const plainError = (more: object = {}): object => ({
  class: 'Error',
  name: 'Error',
  message: 'm',
  stack: undefined,
  properties: {},
  ...more,
})

/** Fields of an object in the format of V8 that are wrong in each way, beside those that are right. */
function wrongFields(right: Record<string, unknown>): [what: string, payload: Buffer][] {
  const wrong = [null, 'text', {}, [], NaN, Infinity, -1, 1.5, 2 ** 32, 2 ** 53, 10n, true, 'x'.repeat(MIB)]
  const made: [string, Buffer][] = [
    ['null', serialize(null)],
    ['an empty payload', Buffer.alloc(0)],
    ['another version of the format', Buffer.from([0xff, 0x0e, 0x5f])],
    ['arrays that claim 33,554,431 elements', longArrays(50)],
    ['a cut payload', serialize(right).subarray(0, -3)],
  ]
  for (const field of Object.keys(right)) {
    const { [field]: _, ...others } = right
    made.push([`no ${field}`, serialize(others)])
    for (const value of wrong) {
      const shown = typeof value === 'string' ? `text of ${value.length}` : `${typeof value} ${value}`
      made.push([`${field}: ${shown}`, serialize({ ...right, [field]: value })])
    }
  }
  return made
}

/** Encodes a report of a process that was made: pid, mode, and what was in the way of a fork. */
function made(pid: number, mode: number, obstacle: Uint8Array = Buffer.alloc(0)): Buffer {
  const numbers = Buffer.alloc(5)
  numbers.writeUInt32LE(pid)
  numbers[4] = mode
  return Buffer.concat([numbers, obstacle])
}

/** Encodes a report of a process that has ended: pid, exit code, and signal. */
function ended(pid: number, code: number, signal: number): Buffer {
  const bytes = Buffer.alloc(7)
  bytes.writeUInt32LE(pid)
  bytes.writeInt16LE(code, 4)
  bytes[6] = signal
  return bytes
}

const PIDS = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff]

function wrongMade(): [what: string, payload: Buffer][] {
  const right = made(1, 0)
  return [
    ...[0, 1, 4].map((length): [string, Buffer] => [`${length} bytes`, right.subarray(0, length)]),
    ...PIDS.map((pid): [string, Buffer] => [`pid ${pid}`, made(pid, 0)]),
    ...[2, 127, 255].map((mode): [string, Buffer] => [`mode ${mode}`, made(1, mode)]),
    ['an obstacle', made(1, 1, Buffer.from('a worker thread'))],
    ['an obstacle of 1 MiB', made(1, 1, Buffer.alloc(MIB, 'x'))],
    ['an obstacle of control characters', made(1, 1, Buffer.from('\u001b[2J\r\n\u2028\u0000'))],
    ['an obstacle that is not UTF-8', made(1, 1, Buffer.alloc(100, 0xff))],
    ['values in the format of V8', serialize({ pid: 1, mode: 'fork' })],
  ]
}

function wrongEnded(): [what: string, payload: Buffer][] {
  const right = ended(1, 0, 0)
  return [
    ...[0, 1, 6].map((length): [string, Buffer] => [`${length} bytes`, right.subarray(0, length)]),
    ['8 bytes', Buffer.concat([right, Buffer.alloc(1)])],
    ['1 MiB', Buffer.concat([right, Buffer.alloc(MIB)])],
    ...PIDS.map((pid): [string, Buffer] => [`pid ${pid}`, ended(pid, 0, 0)]),
    ...[-32768, -2, -1, 255, 256, 32767].map((code): [string, Buffer] => [`code ${code}`, ended(1, code, 0)]),
    ...[9, 64, 65, 255].map((signal): [string, Buffer] => [`signal ${signal}`, ended(1, -1, signal)]),
    ['a code and a signal', ended(1, 3, 9)],
    ['values in the format of V8', serialize({ pid: 1, code: 0, signal: 0 })],
  ]
}

function controlAttacks(): Attack[] {
  const attack = (name: string, ...lies: Lie[]): Attack => ({ name: `report: ${name}`, control: true, lies })
  const reports: [name: string, type: number, payload: Buffer][] = [
    ['done', 64, Buffer.alloc(0)],
    ['failed', 65, serialize(plainError())],
    ['forked', 66, made(1, 0)],
    ['forkFailed', 67, serialize(plainError())],
    ['exited', 68, ended(1, 0, 0)],
    ['started', 69, made(1, 1)],
    ['rejected', 80, serialize(plainError())],
  ]
  const attacks = reports.flatMap(([name, type, payload]) => {
    const valid = controlFrame(type, payload)
    return [
      attack(`${name}, that nothing called for`, { bytes: valid }),
      attack(`${name}, twice`, { bytes: Buffer.concat([valid, valid]) }),
      attack(`${name}, a byte at a time`, { bytes: valid, isSplit: true }),
      attack(`${name}, 10,000 times`, { bytes: Buffer.concat(Array<Buffer>(10_000).fill(valid)) }),
      attack(`${name} of the highest id`, { bytes: controlFrame(type, payload, { id: 0xffffffff }) }),
      attack(`${name} of 4 GiB`, { bytes: controlFrame(type, payload, { length: 0xffffffff }) }),
      attack(`${name} that declares descriptors`, { bytes: controlFrame(type, payload, { descriptors: 3 }) }),
      attack(`${name} with 253 descriptors`, { bytes: valid, descriptors: 253, times: 4 }),
      attack(`${name} without the mark`, { bytes: Buffer.from(valid).fill(0, 2, 4) }),
      attack(`${name} of noise`, { bytes: controlFrame(type, Buffer.alloc(100, 0xa5)) }),
      { ...attack(`${name}, cut`, { bytes: valid.subarray(0, -1) }), exits: true },
    ]
  })
  for (const [what, payload] of wrongEnded())
    attacks.push(attack(`exited with ${what}`, { bytes: controlFrame(68, payload) }))
  for (const [what, payload] of wrongMade())
    attacks.push(
      attack(`started with ${what}`, { bytes: controlFrame(69, payload) }),
      attack(`forked with ${what}`, { bytes: controlFrame(66, payload) }),
    )
  for (const [what, payload] of wrongFields({ ...plainError(), cause: plainError(), errors: [] }))
    attacks.push(attack(`failed with ${what}`, { bytes: controlFrame(65, payload) }))
  for (const type of [0, 1, 5, 6, 63, 70, 81, 99, 255])
    attacks.push(attack(`type ${type}`, { bytes: controlFrame(type) }))
  attacks.push(
    attack('zeroes', { bytes: Buffer.alloc(1000) }),
    attack('a line of text', { bytes: Buffer.from('a line of text\n') }),
    attack('one byte', { bytes: Buffer.from('a') }),
  )
  return attacks
}

function frameAttacks(): Attack[] {
  const attack = (name: string, ...lies: Lie[]): Attack => ({ name: `frame: ${name}`, lies })
  const kinds: [name: string, kind: number, payload: Buffer][] = [
    ['ready', 16, Buffer.alloc(0)],
    ['result', 17, ONE],
    ['error', 18, serialize(plainError())],
    ['event', 19, ONE],
    ['fatal', 20, serialize(plainError())],
    ['dropped', 21, Buffer.alloc(0)],
    ['item', 33, ONE],
    ['itemsEnd', 34, Buffer.alloc(0)],
    ['itemsError', 35, serialize(plainError())],
    ['credit', 36, Buffer.alloc(0)],
    ['stop', 37, Buffer.alloc(0)],
    ['descriptorsAhead', 38, Buffer.alloc(0)],
    ['descriptorsWelcome', 39, Buffer.alloc(0)],
    ['binary', 48, Buffer.alloc(10)],
    ['notes', 49, Buffer.from('[]')],
    ['descriptors', 50, Buffer.alloc(0)],
  ]
  const attacks = kinds.flatMap(([name, kind, payload]) => {
    const valid = frame(kind, { payload })
    return [
      attack(name, { bytes: valid }),
      attack(`${name}, twice`, { bytes: Buffer.concat([valid, valid]) }),
      attack(`${name}, a byte at a time`, { bytes: valid, isSplit: true }),
      attack(`${name}, 10,000 times`, { bytes: Buffer.concat(Array<Buffer>(10_000).fill(valid)) }),
      attack(`${name} of an unknown id`, { bytes: frame(kind, { payload, id: 77 }) }),
      attack(`${name} of the highest id`, { bytes: frame(kind, { payload, id: 0xffffffff }) }),
      attack(`${name} of the highest number`, { bytes: frame(kind, { payload, number: 0xffff }) }),
      attack(`${name} with all flags`, { bytes: frame(kind, { payload, flags: 0x0f }) }),
      attack(`${name} without the mark`, { bytes: Buffer.from(valid).fill(0, 1, 2) }),
      attack(`${name} of 4 GiB`, { bytes: frame(kind, { payload, length: 0xffffffff }) }),
      attack(`${name} without a payload`, { bytes: frame(kind) }),
      attack(`${name} of noise`, { bytes: frame(kind, { payload: Buffer.alloc(100, 0xa5) }) }),
      attack(`${name} of 1 MiB of zeroes`, { bytes: frame(kind, { length: MIB }), zeroes: MIB }),
      attack(`${name} with 253 descriptors`, { bytes: valid, descriptors: 253, times: 4 }),
      attack(
        `${name} with 253 announced descriptors`,
        { bytes: frame(38) },
        { bytes: valid, descriptors: 253, times: 4 },
      ),
      attack(`${name} after an attachment`, { bytes: Buffer.concat([notes(['binary', [0], 'Buffer']), valid]) }),
      { ...attack(`${name}, cut`, { bytes: valid.subarray(0, -1) }), exits: true },
      {
        ...attack(`${name}, of which the end is missing`, { bytes: frame(kind, { length: 64 * MIB - 1 }) }),
        exits: true,
      },
    ]
  })
  for (const kind of [0, 1, 2, 3, 4, 15, 22, 31, 32, 40, 47, 51, 128, 255])
    attacks.push(attack(`kind ${kind}`, { bytes: frame(kind) }))
  return attacks
}

/** Attacks by the values of a message. */
function valueAttacks(): Attack[] {
  const result = (payload: Uint8Array, flags = 0): Buffer => frame(17, { payload, flags })
  const attack = (name: string, ...bytes: Buffer[]): Attack => ({
    name: `values: ${name}`,
    lies: [{ bytes: Buffer.concat(bytes) }],
  })
  const nested = (byte: number, depth: number): Buffer => result(Buffer.alloc(depth, byte))
  const long = (major: number, length: number): Buffer => {
    const head = Buffer.from([(major << 5) | 26, 0, 0, 0, 0])
    head.writeUInt32BE(length, 1)
    return result(cborArray(head))
  }
  let shared: object = plainError({ errors: [] })
  for (let i = 0; i < 100; i++) shared = plainError({ errors: [shared, shared], cause: shared })
  const noted = (note: unknown, value: Uint8Array = PLACEHOLDER, size = 8): Buffer[] => [
    notes(note),
    frame(48, { payload: Buffer.alloc(size) }),
    result(cborArray(value), ATTACHED),
  ]
  const v8 = (name: string, payload: Uint8Array): Attack => ({
    ...attack(`v8, ${name}`, result(payload)),
    serialiser: 'v8',
  })
  const json = (name: string, text: string): Attack => ({
    ...attack(`json, ${name}`, result(Buffer.from(text))),
    serialiser: 'json',
  })
  return [
    ...[10, 1000, 100_000].flatMap(depth => [
      attack(`${depth} nested arrays`, nested(0x81, depth)),
      attack(`${depth} nested objects`, nested(0xa1, depth)),
      attack(`${depth} nested tags`, nested(0xc7, depth)),
      attack(`${depth} nested arrays without end`, nested(0x9f, depth)),
      json(`${depth} nested arrays`, '['.repeat(depth) + ']'.repeat(depth)),
    ]),
    ...[2, 3, 4, 5, 6].flatMap(major =>
      [1, 0x7fffffff, 0xffffffff].map(length => attack(`major type ${major} of length ${length}`, long(major, length))),
    ),
    attack('text of 1 MiB', result(cborArray(Buffer.from([0x7a, 0, 0x10, 0, 0]), Buffer.alloc(MIB, 'a')))),
    attack(
      '__proto__',
      result(
        cborArray(
          Buffer.concat([Buffer.from([0xa1, 0x69]), Buffer.from('__proto__'), Buffer.from([0xa1, 0x61, 0x61, 1])]),
        ),
      ),
    ),
    attack('then', result(cborArray(Buffer.concat([Buffer.from([0xa1, 0x64]), Buffer.from('then'), INTEGER])))),
    attack(
      'a big integer of 256 KiB',
      result(cborArray(Buffer.concat([Buffer.from([0xc2]), cborBytes(Buffer.alloc(1 << 18, 0xff))]))),
    ),
    attack('references', result(cborArray(Buffer.from([0xd8, 0x1c, 0x81, 0xd8, 0x1d, 0])))),
    attack('two values', result(cborArray(INTEGER, INTEGER))),
    attack('an object instead of a list', result(Buffer.from([0xa0]))),
    attack('bytes after the values', result(Buffer.concat([ONE, INTEGER]))),
    attack('an error with shared errors', frame(18, { payload: serialize(shared) })),
    attack('an error that claims 33,554,431 elements', frame(18, { payload: longArrays(100) })),
    attack(
      'an error with __proto__',
      frame(18, {
        payload: serialize(plainError({ properties: JSON.parse('{"__proto__":{"polluted":1}}') as object })),
      }),
    ),
    attack('a note for a prototype', ...noted(['binary', [0, '__proto__'], 'Buffer'], Buffer.from([0xa0]))),
    attack('a note for the length', ...noted(['binary', ['length'], 'Buffer'])),
    attack('a note for an index that is too high', ...noted(['binary', [2 ** 32 - 2], 'Buffer'])),
    attack('a note of an unknown kind', ...noted(['file', [0], 'Buffer'])),
    attack('a note whose class is not one of binaries', ...noted(['binary', [0], '__proto__'])),
    attack('a note for half an element', ...noted(['binary', [0], 'Float64Array'], PLACEHOLDER, 5)),
    attack('a path of 10,000 keys', ...noted(['binary', Array<number>(10_000).fill(0), 'Buffer'])),
    attack('a note for a descriptor that is missing', ...noted(['fd', [0]])),
    attack(
      'a stream and a value that it had no credit for',
      notes(['stream', [0], 5]),
      result(cborArray(PLACEHOLDER), ATTACHED),
      ...Array<Buffer>(100).fill(frame(33, { id: 5, payload: cborArray(cborBytes(Buffer.alloc(4096))) })),
    ),
    attack(
      '60,000 streams',
      notes(...Array.from({ length: 50_000 }, (_, i) => ['stream', [0, i], i])),
      result(cborArray(PLACEHOLDER), ATTACHED),
    ),
    attack(
      'a stream twice',
      ...Array<Buffer[]>(2)
        .fill([notes(['stream', [0], 5]), result(cborArray(PLACEHOLDER), ATTACHED)])
        .flat(),
    ),
    v8('arrays that claim 33,554,431 elements', longArrays(100)),
    v8(
      'arrays within arrays that claim all bytes',
      Buffer.concat([
        serialize(undefined).subarray(0, 2),
        Buffer.from(Array<number[]>(200).fill([0x41, 0xa0, 0xc2, 0x1e]).flat()),
        Buffer.alloc(600_000, '_'),
      ]),
    ),
    v8('a buffer of another thread', Buffer.concat([serialize(undefined).subarray(0, 2), Buffer.from('u\0')])),
    json('text that is not JSON', '{'),
    json('an object instead of a list', '{}'),
    json('__proto__', '[{"__proto__":{"polluted":1}}]'),
    {
      name: 'values: octets, 64 Mi empty values',
      lies: [{ bytes: frame(17, { length: 32 * MIB }), zeroes: 32 * MIB }],
      serialiser: 'octets',
    },
    { name: 'values: 200 MiB of attachments', lies: [{ bytes: frame(48, { length: MIB }), zeroes: MIB, times: 200 }] },
    {
      name: 'values: 1 GiB of events',
      lies: [
        {
          bytes: Buffer.concat([frame(19, { length: MIB + 6 }), Buffer.from([0x81, 0x5a, 0, 0x10, 0, 0])]),
          zeroes: MIB,
          times: 1024,
        },
      ],
    },
  ]
}

/** All attacks, each with a name of its own. */
export const attacks: readonly Attack[] = [
  ...frameAttacks(),
  ...valueAttacks(),
  ...controlAttacks(),
  ...memoryAttacks(),
]
