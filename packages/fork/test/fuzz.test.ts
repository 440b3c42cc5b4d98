import assert from 'node:assert/strict'
import { deserialize, serialize } from 'node:v8'
import {
  acceptedFromRemote,
  acceptedOrders,
  acceptedReports,
  ControlFrameReader,
  decodeEnded,
  decodeMade,
} from '@anyfork/fork/internal'
import { checkClone, decodeError, encodeError } from '@anyfork/fork/internal/error-codec'
import { fuzz, isSoak, type Random } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { controlFrame, exitPayload, madePayload } from './support/control-frames.js'

const CASES = isSoak ? 20_000 : 300
const BUDGET = 1 << 22
/** How much more memory values may take than the estimate says. */
const TOLERANCE = 4
const TAGS = [...'_0TFIUNDZ"cSo{aA@$;:\',RrnyxszB~V^?\\-tuwm'].map(tag => tag.charCodeAt(0))

/** Makes a value with parts of many kinds. */
function anyValue(random: Random, depth = 4): unknown {
  const part = (): unknown => anyValue(random, depth - 1)
  const parts = (): unknown[] => Array.from({ length: random.below(5) }, part)
  const makers: (() => unknown)[] = [
    () => random.pick([null, undefined, true, 0, -1, 1.5, NaN, 2 ** 31, 10n ** 30n]),
    () => random.pick(['', 'a', 'ä', '日本', '__proto__']).repeat(random.isOneIn(50) ? 1000 : 1),
    () => random.pick([new Date(random.integer()), /a+/g, new Error('e', { cause: 1 }), Object('text'), Object(1n)]),
    () => random.pick([random.bytes(random.below(20)), new Uint16Array(random.below(5)), new ArrayBuffer(8)]),
    parts,
    () => Object.fromEntries(parts().map((value, i) => [random.pick(['a', '__proto__', `${i}`, 'stack']), value])),
    () => new Set(parts()),
    () => new Map(parts().map(value => [value, part()])),
    () => Object.assign([], { [random.below(100)]: 1 }),
  ]
  return (depth > 0 ? random.pick(makers) : makers[0]!)()
}

/** Makes bytes that begin like serialised values: tags, and numbers that may be lengths. */
function anyTags(random: Random): Buffer {
  const bytes = [...serialize(undefined).subarray(0, 2)]
  for (let i = random.below(40); i > 0; i--) {
    bytes.push(random.pick(TAGS))
    for (let rest = random.isOneIn(2) ? random.integer() : 0; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        if (random.isOneIn(2)) bytes.push(rest)
        break
      }
      bytes.push((rest % 128) | 128)
    }
  }
  return Buffer.from(bytes)
}

/** Calls a function, which may reject its input with one of these errors. Reports whether it did not. */
function accepts(call: () => unknown, ...names: string[]): boolean {
  try {
    call()
    return true
  } catch (error) {
    assert.ok(names.includes((error as Error).name), (error as Error).stack)
    return false
  }
}

describe('random bytes from another process', () => {
  it('are no structured clone that takes much more memory than the check says', () => {
    let decoded = 0
    fuzz(CASES, random => {
      const bytes = random.isOneIn(3) ? anyTags(random) : random.mutate(serialize(anyValue(random)))
      if (!accepts(() => checkClone(bytes, BUDGET), 'TypeError', 'RangeError')) return
      const before = process.memoryUsage()
      accepts(() => deserialize(bytes), 'Error', 'TypeError', 'RangeError', 'SyntaxError')
      const after = process.memoryUsage()
      decoded++
      const grown = after.heapUsed + after.external - before.heapUsed - before.external
      assert.ok(grown < TOLERANCE * BUDGET, `${grown} bytes for ${bytes.toString('hex')}`)
    })
    assert.ok(decoded > CASES / 100)
  })

  it('that were not changed are accepted by the check of a structured clone', () =>
    fuzz(CASES / 2, random => void checkClone(serialize(anyValue(random)), BUDGET)))

  it('become an error of bounded size, or none', () =>
    fuzz(CASES, random => {
      const error = Object.assign(new RangeError('e', { cause: new Error('c') }), { value: anyValue(random) })
      const bytes = random.isOneIn(4) ? serialize(anyValue(random)) : encodeError(error)
      const names = ['Error', 'TypeError', 'RangeError', 'SyntaxError']
      accepts(() => assert.ok(decodeError(random.mutate(bytes)) instanceof Error), ...names)
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    }))

  it('become the numbers of a report that is within its limits, or none', () =>
    fuzz(CASES, random => {
      const pid = random.pick([0, 1, 4711, 2 ** 31 - 1, 2 ** 31])
      const made = madePayload(pid, { mode: random.below(3), obstacle: random.pick(['', 'a thread', '\u{1f600}\n']) })
      const ended = exitPayload(pid, random.pick([0, 255, 256, -1, -2]), random.below(70))
      accepts(() => assert.ok(decodeMade(random.mutate(made)).pid > 0), 'TypeError')
      accepts(() => assert.ok(decodeEnded(random.mutate(ended)).pid > 0), 'TypeError')
    }))

  const peers = { process: acceptedReports, 'remote process': acceptedFromRemote, owner: acceptedOrders }
  for (const [who, accepted] of Object.entries(peers)) {
    const types = [...accepted.keys()]
    const frameOf = (random: Random): Buffer => {
      const type = random.pick(types)
      const most = Math.min(accepted.get(type)!.bytes, 99)
      return controlFrame(type, random.bytes(random.below(most + 1)), { id: random.integer() })
    }

    it(`are cut into the frames of the ${who} wherever the stream is cut`, () =>
      fuzz(CASES / 10, random => {
        const frames = Array.from({ length: 1 + random.below(5) }, () => frameOf(random))
        const bytes = Buffer.concat(frames)
        const pieces = random.isOneIn(4) ? [...bytes].map(byte => Buffer.from([byte])) : random.cut(bytes)
        const read = readAll(new ControlFrameReader<never>(accepted), pieces)
        assert.deepEqual(Buffer.concat(read.map(frame => controlFrame(frame.type, frame.payload, frame))), bytes)
      }))

    it(`are rejected by the owner of a socket, or are frames that the ${who} may send`, () =>
      fuzz(CASES, random => {
        const frames = Array.from({ length: 1 + random.below(5) }, () =>
          random.isOneIn(2)
            ? frameOf(random)
            : controlFrame(random.below(256), random.bytes(random.below(30)), {
                length: random.integer() >>> random.pick([0, 6, 16]),
                descriptors: random.below(3),
              }),
        )
        accepts(
          () => {
            const pieces = random.cut(random.mutate(Buffer.concat(frames)))
            for (const { type, payload } of readAll(new ControlFrameReader<never>(accepted), pieces))
              assert.ok(payload.length <= accepted.get(type)!.bytes)
          },
          'TypeError',
          'RangeError', // of an owner's frame that does not fit in memory
        )
      }))
  }
})

interface ReadFrame {
  type: number
  id: number
  payload: Buffer
}

/** Gives pieces of a stream to a reader as a channel does. */
function readAll(reader: ControlFrameReader<never>, pieces: readonly Buffer[]): ReadFrame[] {
  const frames: ReadFrame[] = []
  for (const piece of pieces) {
    for (let rest = piece; rest.length; ) {
      const { room } = reader
      const taken = rest.subarray(0, room?.length ?? rest.length)
      if (room) {
        taken.copy(room)
        reader.fill(taken.length, [])
      } else reader.push(Buffer.from(taken), [])
      for (let frame = reader.next(); frame; frame = reader.next()) frames.push(frame)
      rest = rest.subarray(taken.length)
    }
  }
  return frames
}
