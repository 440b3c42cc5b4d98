import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { type InspectOptions, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { acceptedFromCaller, acceptedFromProcess, codecOf, FrameReader } from '@anyfork/fork-rpc/internal'
import { fuzz, isSoak, type Random } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { cborArray, cborText, frame, notes } from './support/raw-frames.js'

const cborX = createRequire(import.meta.url)('cbor-x') as typeof import('cbor-x')
/** `assert.deepEqual` tells two invalid dates apart. */
const WHOLE: InspectOptions = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity }
const CASES = isSoak ? 20_000 : 400
const MOST_BYTES = 1 << 18
/** How much more memory values may take than the estimate says. */
const TOLERANCE = 4
const kinds = Array.from({ length: 256 }, (_, kind) => kind).filter(
  kind => acceptedFromProcess[kind]! >= 0 || acceptedFromCaller[kind]! >= 0,
)

/** Makes a value that every serialiser but octets can carry. */
function anyValue(random: Random, depth = 4): unknown {
  const parts = (): unknown[] => Array.from({ length: random.below(5) }, () => anyValue(random, depth - 1))
  const makers: (() => unknown)[] = [
    () => random.pick([null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53 - 1]),
    () => random.pick(['', 'a', 'ä', '日本', '__proto__']).repeat(random.isOneIn(50) ? 1000 : 1),
    parts,
    () => Object.fromEntries(parts().map((value, i) => [random.pick(['a', 'b', `${i}`, 'then']), value])),
  ]
  return (depth > 0 ? random.pick(makers) : makers[0]!)()
}

/** Makes a value that only cbor and v8 can carry. */
function specialValue(random: Random): unknown {
  const value = (): unknown => anyValue(random, 2)
  return random.pick<() => unknown>([
    () => 10n ** BigInt(random.below(100)),
    () => random.bytes(random.below(100)),
    () => new Float32Array(random.below(5)),
    () => new Date(random.integer()),
    () => new Set([value(), value()]),
    () => new Map([[value(), value()]]),
    () => /a+b/g,
  ])()
}

/** Makes an item in CBOR whose head may claim any length. */
function anyItem(random: Random): Buffer {
  const head = Buffer.alloc(5)
  head[0] = (random.below(8) << 5) | random.pick([24, 25, 26, 27, 28, 31, random.below(24)])
  head.writeUInt32BE(random.integer(), 1)
  return Buffer.concat([head.subarray(0, 1 + random.below(5)), random.bytes(random.below(4))])
}

/** Makes a frame, often with an attachment before it. */
function anyFrame(random: Random): Buffer {
  const kind = random.isOneIn(20) ? random.below(256) : random.pick(kinds)
  const path = random.pick([[0], [0, 'a'], ['length'], [0, '__proto__'], [random.integer()], [], 0, ['0', [0]]])
  const note = random.pick([
    ['fd', path],
    ['stream', path, random.integer()],
    ['binary', path, random.pick(['Buffer', 'Float64Array', 'Function', '__proto__'])],
    random.pick([null, [], ['fd'], 5]),
  ])
  const attachments = random.isOneIn(2)
    ? []
    : [notes(note), frame(48, { payload: random.bytes(random.below(20)) }), frame(50, { number: random.below(3) })]
  const payload = random.pick([
    Buffer.alloc(0),
    cborArray(cborText('')),
    random.bytes(random.below(40)),
    serialize(random.isOneIn(2)),
    Buffer.alloc(1 << random.below(18), random.below(256)),
  ])
  const last = frame(kind, {
    id: random.isOneIn(2) ? random.below(3) : random.integer(),
    flags: random.below(4),
    number: random.isOneIn(2) ? 0 : random.below(65_536),
    payload,
    ...(random.isOneIn(5) && { length: random.integer() >>> random.pick([0, 4, 16]) }),
  })
  return Buffer.concat([...attachments.filter(() => random.isOneIn(2)), last])
}

interface ReadFrame {
  kind: number
  id: number
  number: number
  payload: Buffer
}

/** Gives pieces of a stream to a reader as a transport does. */
function readAll(reader: FrameReader, pieces: readonly Buffer[]): ReadFrame[] {
  const frames: ReadFrame[] = []
  for (const piece of pieces) {
    for (let rest = piece; rest.length; ) {
      const count = rest.copy(reader.makeRoom(), reader.roomStart)
      reader.filled(count)
      while (reader.next())
        frames.push({ kind: reader.kind, id: reader.id, number: reader.number, payload: reader.takePayload() })
      rest = rest.subarray(count)
    }
  }
  return frames
}

/** Calls a function, which may reject its input. Reports whether it did not. */
function accepts(call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException
    assert.ok(code !== 'ERR_ASSERTION' && /Error$/.test(name), (error as Error).stack)
    return false
  }
}

describe('random bytes from the other end of a connection', () => {
  for (const [who, accepted] of Object.entries({ process: acceptedFromProcess, caller: acceptedFromCaller })) {
    it(`are cut into the frames of the ${who} wherever the stream is cut`, () =>
      fuzz(CASES / 10, random => {
        const own = [17, 19, 33, 1].filter(kind => accepted[kind]! >= 0)
        const frames = Array.from({ length: 1 + random.below(5) }, () =>
          frame(random.pick(own), {
            id: random.integer(),
            payload: Buffer.alloc(random.isOneIn(5) ? random.below(MOST_BYTES) : random.below(50), random.below(256)),
          }),
        )
        const bytes = Buffer.concat(frames)
        const pieces = bytes.length < 200 ? [...bytes].map(byte => Buffer.from([byte])) : random.cut(bytes)
        const read = readAll(new FrameReader(accepted, MOST_BYTES), pieces)
        assert.equal(Buffer.compare(Buffer.concat(read.map(one => frame(one.kind, one))), bytes), 0)
      }))

    it(`are invalid, or frames that the ${who} may send, of at most the largest size`, () => {
      let invalid = 0
      fuzz(CASES, random => {
        const bytes = Buffer.concat(Array.from({ length: 1 + random.below(4) }, () => anyFrame(random)))
        const isRead = accepts(() => {
          const pieces = random.cut(random.isOneIn(2) ? bytes : random.mutate(bytes))
          for (const { kind, payload } of readAll(new FrameReader(accepted, MOST_BYTES), pieces)) {
            assert.ok(accepted[kind]! >= payload.length)
            assert.ok(payload.length <= MOST_BYTES || accepted[kind]! < Infinity)
          }
        })
        invalid += Number(!isRead)
      })
      assert.ok(invalid > CASES / 10)
    })
  }

  for (const name of ['cbor', 'v8', 'json', 'octets']) {
    it(`are values in ${name} that take little more memory than the largest message, or none`, () => {
      const codec = codecOf(name, MOST_BYTES)
      const trusted = codecOf(name)
      fuzz(CASES, random => {
        const value =
          name === 'octets' ? 'text' : name === 'json' || random.isOneIn(2) ? anyValue(random) : specialValue(random)
        trusted.encode([value], 17)
        const valid = Buffer.from(trusted.bytes.subarray(trusted.start, trusted.end))
        const isFree = name === 'cbor' && random.isOneIn(3)
        const bytes = isFree
          ? cborArray(...Array.from({ length: random.below(4) }, () => anyItem(random)))
          : random.mutate(valid)
        const before = process.memoryUsage()
        accepts(() => void codec.decode(bytes, 0, bytes.length))
        const after = process.memoryUsage()
        const grown = after.heapUsed + after.external - before.heapUsed - before.external
        assert.ok(grown < TOLERANCE * MOST_BYTES + (1 << 20), `${grown} bytes for ${bytes.toString('hex')}`)
        assert.equal(({} as { polluted?: unknown }).polluted, undefined)
        assert.deepEqual(codec.decode(valid, 0, valid.length), [value]) // bytes before do not matter
      })
    })
  }

  it('are decoded in cbor as cbor-x decodes them, unless they are rejected', () => {
    const codec = codecOf('cbor', MOST_BYTES)
    const trusted = codecOf('cbor')
    const decoder = new cborX.Decoder({ useRecords: false, mapsAsObjects: true })
    let accepted = 0
    fuzz(CASES * 5, random => {
      trusted.encode([anyValue(random), random.integer(), random.bytes(random.below(5)), random.integer() / 3], 17)
      const bytes = random.mutate(Buffer.from(trusted.bytes.subarray(trusted.start, trusted.end)))
      let decoded: unknown
      if (!accepts(() => (decoded = codec.decode(bytes, 0, bytes.length)))) return
      accepted++
      assert.equal(inspect(decoded, WHOLE), inspect(decoder.decode(bytes), WHOLE), bytes.toString('hex'))
    })
    assert.ok(accepted > CASES / 10)
  })
})

describe('random values', () => {
  it('are encoded in cbor as cbor-x encodes them, unless cbor-x would change them', () => {
    const codec = codecOf('cbor')
    let encoded = 0
    fuzz(CASES, random => {
      const text = random
        .pick(['a', 'ä', '日', '😀'])
        .repeat(random.isOneIn(20) ? random.below(70_000) : random.below(100))
      const many = (): unknown =>
        Object.fromEntries(
          Array.from({ length: random.below(random.isOneIn(20) ? 70_000 : 50) }, (_, i) => [`k${i}`, i]),
        )
      const values = random.pick<() => unknown[]>([
        () => [anyValue(random), -random.integer(), random.integer() / 7, undefined],
        () => [text, { [text]: text }],
        () => {
          const object = many()
          return [object, [object]]
        },
        () => [anyValue(random), specialValue(random)],
      ])()
      if (!codec.encodeUsual!(values, MOST_BYTES * 16)) return
      encoded++
      const bytes = codec.bytes.subarray(codec.start, codec.end)
      codec.encode(values, 17)
      assert.equal(Buffer.compare(bytes, codec.bytes.subarray(codec.start, codec.end)), 0)
      assert.ok(!codec.encodeUsual!(values, bytes.length - 1))
    })
    assert.ok(encoded > CASES / 2)
  })
})
