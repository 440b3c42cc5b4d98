import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { serialize } from 'node:v8'
import { type Descriptor, pipe, write } from '@anyfork/fdpass'
import { connect, fd, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { codecOf } from '@anyfork/fork-rpc/internal'
import { collectGarbage, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as worker from './fixtures/hostile-worker.js'
import {
  collidingDoubles,
  collidingIndexes,
  collidingIntegers,
  numbersInCbor,
  numbersInClone,
  textsInCbor,
} from './support/colliding-keys.js'
import { useConnections } from './support/connections.js'
import {
  cborArray,
  cborBytes,
  cborText,
  clonedCollidingBigInts,
  collidingBigInts,
  frame,
  longArrays,
  notes,
} from './support/raw-frames.js'

const module = new URL('./fixtures/hostile-worker.js', import.meta.url)
const ATTACHED = 1
const PLACEHOLDER = cborText('')
const INTEGER = Buffer.from([0x07])
/** Announces descriptors, and waits until the caller expects them. */
const ANNOUNCEMENT: worker.Step = { bytes: frame(38), isAnswered: true }

const result = (payload: Uint8Array, flags = 0): Buffer => frame(17, { payload, flags })
const event = (payload: Uint8Array, flags = 0): Buffer => frame(19, { payload, flags })
const binary = (size = 4): Buffer => frame(48, { payload: Buffer.alloc(size) })
const plainError = (more: object = {}): object => ({
  class: 'Error',
  name: 'Error',
  message: 'shared',
  stack: 'Error: shared',
  properties: {},
  ...more,
})

/** An error whose `errors` hold the same error twice, and so on: 2^depth paths lead to the last one. */
function sharedErrors(depth: number): Buffer {
  let error = plainError({ errors: [] })
  for (let i = 0; i < depth; i++) error = plainError({ errors: [error, error] })
  return serialize(error)
}

/** The payload of a list of values. */
function encoded(values: readonly unknown[]): Buffer {
  const codec = codecOf('cbor')
  codec.encode(values, 17)
  return Buffer.from(codec.bytes.subarray(codec.start, codec.end))
}

/** The payload of a value 100 times, and of others. */
function list(value: unknown, ...others: readonly unknown[]): Buffer {
  return encoded([[...Array<unknown>(100).fill(value), ...others]])
}

describe('a hostile worker', () => {
  const { fork, track } = useConnections()

  /** Connects to a worker, and to a second one, which must not notice anything. */
  async function start(options: RpcOptions = {}): Promise<[bad: Remote<typeof worker>, good: Remote<typeof worker>]> {
    const open = (more: RpcOptions): Remote<typeof worker> => {
      const remote = connect<typeof worker>(fork(), module, more)
      track(rpcOf(remote))
      return remote
    }
    const pair: [Remote<typeof worker>, Remote<typeof worker>] = [open({ onError: () => {}, ...options }), open({})]
    await Promise.all(pair.map(remote => remote.echo('ready')))
    return pair
  }

  /** Attacks, and checks that only the connection of the attacker ends. */
  async function checkProtocolError(
    steps: readonly worker.Step[],
    options: RpcOptions = { onEvent: () => {} },
  ): Promise<void> {
    const [bad, good] = await start(options)
    await assert.rejects(bad.attack(steps), { code: 'ERR_RPC_PROTOCOL' })
    await rpcOf(bad).ended
    assert.equal(await good.echo('unharmed'), 'unharmed')
  }

  /** Sends a result in v8 whose keys collide, and checks that only its call is rejected. */
  async function checkFlooding(payload: Buffer): Promise<void> {
    const [bad] = await start({ serialiser: 'v8' })
    await assert.rejects(bad.attack([{ bytes: result(payload) }]), { name: 'RangeError', message: /chosen to collide/ })
    assert.ok(rpcOf(bad).isAlive)
  }

  const invalid: Record<string, Buffer[]> = {
    'an event that is a number': [event(INTEGER)],
    'an event that is null': [event(Buffer.from([0xf6]))],
    'an event that is an object with a length': [event(Buffer.from([0xa1, ...cborText('length'), 0x03]))],
    'an event of 10,001 values': [event(cborArray(...Array<Buffer>(10_001).fill(INTEGER)))],
    'an event with a stream': [notes(['stream', [0], 7]), event(cborArray(PLACEHOLDER), ATTACHED)],
    'a result that is a number': [result(INTEGER)],
    'a result of two values': [result(cborArray(INTEGER, INTEGER))],
    'a note for a place beyond the values': [
      notes(['binary', [4_294_967_290], 'Buffer']),
      binary(),
      event(cborArray(PLACEHOLDER), ATTACHED),
    ],
    'a note for the length of the values': [
      notes(['binary', ['length'], 'Buffer']),
      binary(),
      event(cborArray(PLACEHOLDER), ATTACHED),
    ],
    'a note for a place that holds a value': [
      notes(['binary', [0], 'Buffer']),
      binary(),
      result(cborArray(INTEGER), ATTACHED),
    ],
    'a note for a prototype': [
      notes(['binary', [0, '__proto__', 'polluted'], 'Buffer']),
      binary(),
      result(cborArray(Buffer.from([0xa0])), ATTACHED),
    ],
    'a note whose path has a list in it': [
      notes(['binary', [0, ['__proto__']], 'Buffer']),
      binary(),
      result(cborArray(Buffer.from([0xa0])), ATTACHED),
    ],
    'two notes for one place': [
      notes(['stream', [0], 7], ['stream', [0], 8]),
      result(cborArray(PLACEHOLDER), ATTACHED),
    ],
    'a note of an unknown kind': [notes(['file', [0], 7]), result(cborArray(PLACEHOLDER), ATTACHED)],
    'a binary of an unknown class': [
      notes(['binary', [0], 'Function']),
      binary(),
      result(cborArray(PLACEHOLDER), ATTACHED),
    ],
    'notes that belong to no frame': [notes(['fd', [0]]), result(cborArray(INTEGER))],
    'notes twice': [notes(['fd', [0]]), notes(['fd', [0]])],
    'a binary that belongs to no frame': [binary(), result(cborArray(INTEGER))],
    'two streams of one ID': [
      notes(['stream', [0, 0], 7], ['stream', [0, 1], 7]),
      result(cborArray(cborArray(PLACEHOLDER, PLACEHOLDER)), ATTACHED),
    ],
    'a value of a stream that was not announced': [frame(33, { id: 7, payload: cborArray(INTEGER) })],
    'the end of a stream that was not announced': [frame(34, { id: 7 })],
    'that it serves, twice': [frame(16)],
    'an error that is null': [frame(18, { payload: serialize(null) })],
    'an error whose message is an object': [frame(18, { payload: serialize(plainError({ message: {} })) })],
    'a fatal error without a payload': [frame(20)],
    'an error that claims more elements than fit in the heap': [frame(18, { payload: longArrays(100) })],
    'an uncaught error that is null': [frame(22, { payload: serialize(null) })],
    'that it ends, with a payload': [frame(23, { payload: INTEGER })],
    'a result for a call that was not made': [frame(17, { id: 3, payload: cborArray(INTEGER) })],
    'a payload with a frame that has none': [frame(36, { payload: INTEGER })],
    'the announcement of descriptors, twice': [frame(38), frame(38)],
  }
  for (const [what, frames] of Object.entries(invalid)) {
    it(`that sends ${what} is killed, and its call rejects with ERR_RPC_PROTOCOL`, () =>
      checkProtocolError([{ bytes: Buffer.concat(frames) }]))
  }

  it('cannot send more than maxMessageBytes in the parts of a message', () =>
    checkProtocolError([{ bytes: binary(1 << 18), times: 5 }], { maxMessageBytes: 1 << 20, onEvent: () => {} }))

  it('cannot send values of a stream that were not asked for', async () => {
    const [bad, good] = await start()
    const announcement = Buffer.concat([notes(['stream', [0], 7]), result(cborArray(PLACEHOLDER), ATTACHED)])
    const item = frame(33, { id: 7, payload: cborArray(cborBytes(Buffer.alloc(1 << 12))) })
    const stream = (await bad.attack([
      { bytes: announcement },
      { bytes: item, times: 100 },
    ])) as unknown as AsyncIterable<unknown>
    await rpcOf(bad).ended
    await assert.rejects(
      async () => {
        for await (const _ of stream);
      },
      { code: 'ERR_RPC_PROTOCOL' },
    )
    assert.equal(await good.echo('unharmed'), 'unharmed')
  })

  it('cannot send values on and on without reading for how many it has credit', async () => {
    const [bad] = await start()
    const [readEnd, writeEnd] = pipe()
    const announcement = Buffer.concat([notes(['stream', [0], 7]), result(cborArray(PLACEHOLDER), ATTACHED)])
    const item = frame(33, { id: 7, payload: cborArray(cborBytes(Buffer.alloc(1 << 12))) })
    const steps = [
      { bytes: announcement },
      { bytes: Buffer.concat(Array<Buffer>(4).fill(item)), times: 5000, isPaced: true },
      { bytes: frame(34, { id: 7 }) },
    ]
    const attack = bad.attack as unknown as (...args: unknown[]) => Promise<AsyncIterable<unknown>>
    const stream = await attack(steps, fd(readEnd))
    readEnd.close()
    await assert.rejects(
      async () => {
        write(writeEnd, Buffer.from('!'))
        let count = 0
        for await (const _ of stream) if (++count % 4 === 0) write(writeEnd, Buffer.from('!')) // it has credit now
      },
      { code: 'ERR_RPC_PROTOCOL' },
    )
    writeEnd.close()
  })

  it('cannot send more values in its streams than may be unread', async () => {
    const [bad, good] = await start({ maxMessageBytes: 1 << 21 })
    const ids = Array.from({ length: 100 }, (_, i) => i)
    const announcement = Buffer.concat([
      notes(...ids.map(id => ['stream', [0, id], id])),
      result(cborArray(cborArray(...ids.map(() => PLACEHOLDER))), ATTACHED),
    ])
    const size = 1 << 20
    const payload = Buffer.from([0x81, 0x5a, 0, size >> 16, 0, 0]) // a list of as many bytes, which follow
    const items = ids.map(id => ({ bytes: frame(33, { id, payload, length: payload.length + size }), zeroes: size }))
    const streams = (await bad.attack([{ bytes: announcement }, ...items])) as unknown as AsyncIterator<unknown>[]
    await rpcOf(bad).ended
    assert.deepEqual((await streams[0]!.next()).value, Buffer.alloc(size))
    await assert.rejects(streams[0]!.next(), { code: 'ERR_RPC_PROTOCOL' })
    assert.equal(await good.echo('unharmed'), 'unharmed')
  })

  for (const [what, count] of [
    ['were not sent', 1000],
    ['it has not received', 1],
  ] as const) {
    it(`cannot ask for more values of a stream by credit for values that ${what}`, async () => {
      const [bad] = await start()
      let made = 0
      function* source(): Generator<Buffer> {
        for (;;) yield (made++, Buffer.alloc(1 << 20))
      }
      const credit = (number: number): worker.Step => ({ bytes: frame(36, { id: 1, number }), times: 1 })
      const attack = bad.attack as unknown as (steps: worker.Step[], ignored: Iterable<unknown>) => Promise<void>
      await assert.rejects(attack([credit(0), { ...credit(count), times: 100 }], source()), {
        code: 'ERR_RPC_PROTOCOL',
      })
      assert.ok(made < 10, `${made} values`)
    })
  }

  it('cannot leave descriptors here that it did not declare', () =>
    checkProtocolError([ANNOUNCEMENT, { bytes: frame(37, { id: 77 }), descriptors: 200, times: 20 }]))

  it('cannot send descriptors that it did not announce', async () => {
    const [bad, good] = await start()
    void bad.attack([{ bytes: frame(37, { id: 77 }), descriptors: 200, times: 20 }]).catch(() => {})
    assert.equal(await good.echo('unharmed'), 'unharmed') // `useConnections` checks that none is open
  })

  const eventWithDescriptors = (count: number): Buffer =>
    Buffer.concat([
      frame(50, { number: count }),
      notes(...Array.from({ length: count }, (_, i) => ['fd', [i]])),
      event(cborArray(...Array<Buffer>(count).fill(PLACEHOLDER)), ATTACHED),
    ])

  it('is killed when more than maxDescriptors of its descriptors are open', async () => {
    const kept: Disposable[] = []
    const onEvent = (...values: unknown[]): void => void kept.push(...(values as Disposable[]))
    const steps = [ANNOUNCEMENT, { bytes: eventWithDescriptors(20), descriptors: 20, times: 10 }]
    await checkProtocolError(steps, { maxDescriptors: 100, onEvent })
    assert.equal(kept.length, 100)
    for (const descriptor of kept) descriptor[Symbol.dispose]()
  })

  it('is killed when too many of its descriptors are open, even after their objects were garbage-collected', async () => {
    const numbers: number[] = []
    const onEvent = (...values: unknown[]): void => void numbers.push(...(values as Descriptor[]).map(({ fd }) => fd))
    const [bad] = await start({ maxDescriptors: 100, onEvent })
    const events = { bytes: eventWithDescriptors(20), descriptors: 20 }
    const sent = { bytes: result(cborArray(cborText('sent'))) }
    const [reading, writing] = pipe()
    try {
      const steps = [ANNOUNCEMENT, { ...events, times: 4 }, { ...events, times: 2, isPaced: true }, sent]
      const attack = bad.attack(steps, fd(reading) as never)
      attack.catch(() => {})
      await until(() => numbers.length === 80)
      await collectGarbage()
      write(writing, Buffer.from('xx'))
      await assert.rejects(attack, { code: 'ERR_RPC_PROTOCOL' })
      assert.equal(numbers.length, 100)
    } finally {
      reading.close()
      writing.close()
      for (const number of numbers) closeSync(number) // their objects are gone
    }
  })

  it('may send any number of descriptors that are closed here', async () => {
    let seen = 0
    const all = new Promise<void>(resolve => {
      const onEvent = (...values: unknown[]): void => {
        for (const descriptor of values as Disposable[]) descriptor[Symbol.dispose]()
        if (++seen === 50) resolve()
      }
      void start({ maxDescriptors: 20, onEvent }).then(([bad]) => {
        const steps = [ANNOUNCEMENT, { bytes: eventWithDescriptors(20), descriptors: 20, times: 50 }]
        bad.attack(steps).catch(() => {})
      })
    })
    await all
  })

  it('leaves no descriptor in events that have no listener', async () => {
    const [bad] = await start()
    const steps = [
      ANNOUNCEMENT,
      { bytes: eventWithDescriptors(20), descriptors: 20, times: 50 },
      { bytes: result(cborArray(cborText('sent'))) },
    ]
    assert.equal(await bad.attack(steps), 'sent') // `useConnections` checks that none is open
  })

  it('that sends an error whose errors are shared costs little time, and they stay shared', async () => {
    const [bad] = await start()
    const error = (await bad
      .attack([{ bytes: frame(18, { payload: sharedErrors(50) }) }])
      .catch((reason: unknown) => reason)) as AggregateError
    assert.equal(error.message, 'shared')
    assert.equal(error.errors[0], error.errors[1])
  })

  it('that sends an error with a cycle cannot make the decoder loop', async () => {
    const [bad] = await start()
    const cyclic: { cause?: unknown } = plainError()
    cyclic.cause = cyclic
    const error = (await bad
      .attack([{ bytes: frame(18, { payload: serialize(cyclic) }) }])
      .catch((reason: unknown) => reason)) as Error
    assert.equal(error.cause, error)
  })

  it('that sends an array with four billion holes costs no memory for them', async () => {
    const [bad] = await start()
    const payload = Buffer.from([0x81, 0xd9, 0x01, 0x1b, 0x81, 0x1a, 0xff, 0xff, 0xff, 0xff])
    const holes = (await bad.attack([{ bytes: result(payload) }])) as unknown as unknown[]
    assert.equal(holes.length, 2 ** 32 - 1)
    assert.deepEqual(Object.keys(holes), [])
  })

  it('that sends a big integer of 256 KiB costs little time', async () => {
    const [bad] = await start()
    const payload = cborArray(Buffer.concat([Buffer.from([0xc2]), cborBytes(Buffer.alloc(1 << 18, 0xff))]))
    const value = (await bad.attack([{ bytes: result(payload) }])) as unknown
    assert.equal(value, 2n ** (8n << 18n) - 1n)
  })

  for (const isMap of [false, true])
    it(`that sends a ${isMap ? 'map' : 'set'} of 40,000 big integers that collide is killed`, () =>
      checkProtocolError([{ bytes: result(collidingBigInts(40_000, isMap)) }]))

  it('that sends an error with a set of 40,000 big integers that collide is killed', () =>
    checkProtocolError([{ bytes: frame(18, { payload: clonedCollidingBigInts(40_000) }) }]))

  for (const isMap of [false, true])
    it(`that sends a ${isMap ? 'map' : 'set'} of 40,000 texts whose hashes older releases let collide is killed`, () =>
      checkProtocolError([{ bytes: result(textsInCbor(collidingIndexes(40_000), isMap)) }]))

  it('that sends a set of 40,000 such texts in v8 has its call rejected with RangeError', () =>
    checkFlooding(serialize([new Set(collidingIndexes(40_000))])))

  it('that sends text as a tagged value although it is an index is killed', () =>
    checkProtocolError([{ bytes: result(Buffer.from([0x81, 0xd9, 0x01, 0x19, 0x42, 0x39, 0x00])) }]))

  it('that sends an error tagged as a regular expression is killed', () =>
    checkProtocolError([
      { bytes: result(Buffer.concat([Buffer.from([0x81, 0xd8, 27, 0x82]), cborText('Error'), INTEGER])) },
    ]))

  for (const [what, makeKeys] of [
    ['integers', collidingIntegers],
    ['fractions', collidingDoubles],
  ] as const)
    for (const isMap of [false, true]) {
      const collection = `a ${isMap ? 'map' : 'set'} of 40,000 ${what} that collide`
      it(`that sends ${collection} is killed`, () =>
        checkProtocolError([{ bytes: result(numbersInCbor(makeKeys(40_000), isMap)) }]))

      it(`that sends ${collection} in v8 has its call rejected with RangeError`, () =>
        checkFlooding(numbersInClone(makeKeys(40_000), isMap)))
    }

  it('that sends a set of 40,000 big integers that collide in v8 has its call rejected with RangeError', () =>
    checkFlooding(clonedCollidingBigInts(40_000)))

  const honest: Record<string, Set<unknown>> = {
    '200,000 numbers': new Set(Array.from({ length: 200_000 }, (_, i) => i * 4096)),
    '20,000 big integers': new Set(Array.from({ length: 20_000 }, (_, i) => BigInt(i) * 0x9e3779b97f4a7c15n)),
    '100,000 texts that are indexes': new Set(Array.from({ length: 100_000 }, (_, i) => String(i * 1000))),
  }
  for (const [what, set] of Object.entries(honest))
    it(`is not what sends a set of ${what}`, async () => {
      const [, good] = await start()
      assert.deepEqual(await good.echo(set), set)
    })

  const excessive: Record<string, Buffer> = {
    'values that take more memory than maxMessageBytes': Buffer.concat([
      Buffer.from([0x9a, 0, 0x04, 0, 0]),
      Buffer.alloc(1 << 18, 0x80),
    ]),
    'objects with an index for which V8 makes room': list({ 999: 1 }),
    'objects with an index for which V8 makes room, and a date': list({ 999: 1 }, new Date(0)),
    'objects whose indexes grow': list({ 999: 1, 2500: 1 }),
    'objects with such an index that are sent as entries': cborArray(
      cborArray(...Array<Buffer>(100).fill(Buffer.from('d9011a8263393939f6', 'hex'))),
    ),
    'arrays with as many holes': cborArray(cborArray(...Array<Buffer>(100).fill(Buffer.from('d9011b811903e7', 'hex')))),
    'a regular expression of many properties': encoded([new RegExp('\\p{L}'.repeat(1000))]),
    'a long regular expression': encoded([new RegExp('a'.repeat(20_000))]),
    'arrays nested too deep': Buffer.alloc(5000, 0x81),
    'extensions nested too deep': Buffer.concat([Buffer.from([0x81]), Buffer.alloc(5000, 0xc7)]),
  }
  for (const [what, payload] of Object.entries(excessive)) {
    it(`that sends ${what} has its call rejected with RangeError, and goes on`, async () => {
      const [bad] = await start({ maxMessageBytes: 1 << 20 })
      await assert.rejects(bad.attack([{ bytes: result(payload) }]), { name: 'RangeError' })
      assert.ok(rpcOf(bad).isAlive)
    })
  }

  it('that sends arrays in v8 that claim more elements than fit in the heap has its call rejected with RangeError', async () => {
    const [bad] = await start({ serialiser: 'v8' })
    await assert.rejects(bad.attack([{ bytes: result(longArrays(100)) }]), { name: 'RangeError' })
    assert.ok(rpcOf(bad).isAlive)
  })

  it('that sends more empty values in octets than fit in memory has its call rejected with RangeError', async () => {
    const [bad] = await start({ serialiser: 'octets', maxMessageBytes: 1 << 20 })
    await assert.rejects(bad.attackOnce(result(Buffer.alloc(1 << 20))), { name: 'RangeError' })
    assert.ok(rpcOf(bad).isAlive)
  })

  const usual: Record<string, unknown> = {
    'objects whose keys are years': Array.from({ length: 1000 }, (_, i) => ({ 2023: i, 2024: i })),
    'an object with many identifiers as keys': Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [7 * i + 1e5, i]),
    ),
    'an object with many indexes': { ...Array.from({ length: 5000 }, (_, i) => i) },
    'an object with indexes and a key that no other format carries': JSON.parse(
      '{"__proto__":1,"1":1,"999":2}',
    ) as unknown,
  }
  for (const [what, value] of Object.entries(usual))
    it(`is not what sends ${what}`, async () => {
      const [worker] = await start({ maxMessageBytes: 1 << 20 })
      assert.deepEqual(await worker.echo(value), value)
    })

  const malformed: Record<string, Buffer> = {
    'a reference to a value that was not marked': Buffer.from([0x81, 0xd8, 0x1d, 0x05]),
    'a value that is marked for references': Buffer.from([0x81, 0xd8, 0x1c, 0x80]),
    'a table of packed values': Buffer.from([0x81, 0xd8, 0x33, 0x84, 0x81, 0x01, 0x80, 0x80, 0x01]),
    'a record': Buffer.from([0x81, 0xd9, 0xdf, 0xff, 0x83, 0x19, 0xe0, 0x01, 0x81, 0x61, 0x61, 0x01]),
    'an array that is longer than the message': Buffer.from([0x81, 0x9a, 0x01, 0xff, 0xff, 0xff]),
    'a typed array made of a number': Buffer.from([0x81, 0xd8, 0x46, 0x1a, 0x1f, 0xff, 0xff, 0xff]),
    'text that is longer than the message': Buffer.from([0x81, 0x7a, 0xff, 0xff, 0xff, 0xff, 0x61]),
    'bytes after the values': Buffer.from([0x81, 0x01, 0x01]),
    'an object whose key is an object': Buffer.from([0x81, 0xa1, 0xa0, 0x01]),
    'the end of an array that was not begun': Buffer.from([0x81, 0xff]),
    'text in UTF-16 that is a number': Buffer.from([0x81, 0xd9, 0x01, 0x19, 0x01]),
    'an object of entries whose key is a number': Buffer.from([0x81, 0xd9, 0x01, 0x1a, 0x82, 0x01, 0x01]),
    'an array with holes that has no length': Buffer.from([0x81, 0xd9, 0x01, 0x1b, 0x80]),
    'an array with holes and an index beyond its length': Buffer.from([0x81, 0xd9, 0x01, 0x1b, 0x83, 0x02, 0x05, 0x01]),
    'a tagged binary of an unknown class': Buffer.from([
      ...[0x81, 0xd9, 0x01, 0x1c],
      ...cborArray(cborText('Function'), cborBytes(Buffer.alloc(1))),
    ]),
    'an error that is text': Buffer.from([0x81, 0xd9, 0x01, 0x1d, ...cborText('failed')]),
  }
  for (const [what, payload] of Object.entries(malformed))
    it(`that sends ${what} is killed`, () => checkProtocolError([{ bytes: result(payload) }]))

  const withDescriptor = (last: Buffer): worker.Step => ({
    bytes: Buffer.concat([frame(50, { number: 1 }), notes(['fd', [0]]), last]),
    descriptors: 1,
  })
  const ofNobody: Record<string, Buffer> = {
    'a result of a call that was not made': frame(17, { id: 9, flags: ATTACHED, payload: cborArray(PLACEHOLDER) }),
    'a value of a stream that was not announced': frame(33, {
      id: 9,
      flags: ATTACHED,
      payload: cborArray(PLACEHOLDER),
    }),
    'a frame that has no values': frame(37, { id: 9, flags: ATTACHED }),
  }
  for (const [what, last] of Object.entries(ofNobody)) {
    it(`leaves no descriptor here that came with ${what}`, () =>
      checkProtocolError([ANNOUNCEMENT, withDescriptor(last)])) // `useConnections` checks that none is open
  }
})
