import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { socketpair } from '@anyfork/fdpass'
import { fd } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { Point, registerPoint } from './fixtures/point.js'
import { useConnections } from './support/connections.js'

describe('values', () => {
  const { start } = useConnections()

  const values: [what: string, value: unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a big integer', 2n ** 60n],
    ['text with characters of one to four bytes', 'a\u00e9\u20ac\u{1f600}'],
    ['a date', new Date(86_400_000)],
    ['a nested object', { a: [1, { b: [true, null, -0.5] }] }],
    ['an array of a map and a set', [new Map([['a', 1]]), new Set([1, 2])]],
    ['a buffer', Buffer.from([1, 2, 3])],
    ['a typed array', new Float64Array([1.5, -2])],
    [
      'a typed array of each class',
      [
        ...[
          Int8Array,
          Uint8Array,
          Uint8ClampedArray,
          Int16Array,
          Uint16Array,
          Int32Array,
          Uint32Array,
          Float32Array,
        ].map(Class => Class.of(1, 2, 3)),
        BigInt64Array.of(-1n),
        BigUint64Array.of(2n ** 64n - 1n),
      ],
    ],
    ['big integers of any size', [2n ** 64n - 1n, -(2n ** 64n), 2n ** 64n, 2n ** 1000n, -(2n ** 1000n)]],
    ['numbers of any kind', [0, 23, 24, 255, 65_536, 2 ** 32, 2 ** 53, -1, -25, -(2 ** 40), 1e300, NaN, Infinity]],
    ['a regular expression and an early date', [/a+/gi, new Date(-1)]],
    ['empty ones of each kind', [[], {}, new Map(), new Set(), '', Buffer.alloc(0), new Uint8Array()]],
    [
      'maps with keys of any kind',
      new Map<unknown, unknown>([
        [{ a: 1 }, [1]],
        [new Date(0), new Set([new Map()])],
      ]),
    ],
    ['an object of 100 keys', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key ${i}`, { i }]))],
    ['nesting of 500 levels', Array.from({ length: 500 }).reduce((inner: unknown) => [inner], 1)],
  ]
  for (const [what, value] of values) {
    it(`${what} travels there and back unchanged`, async () => {
      assert.deepEqual(await start('same')(value), [value])
    })
  }

  it('arrays of a subclass, or of another realm, arrive as arrays', async () => {
    const arrays = await start('arraysOfOtherClasses')(1, [{ a: [] }], 'text')
    assert.deepEqual(arrays, [
      [1, [{ a: [] }], 'text'],
      [1, [{ a: [] }], 'text'],
    ])
  })

  it('values whose getter makes another call arrive, and so does that call', async () => {
    const same = start('same')
    let inner: Promise<unknown[]> | undefined
    const value = {
      before: 'a',
      get other() {
        inner ??= same([1, { b: 'inner' }]) as Promise<unknown[]>
        return 'b'
      },
      after: { c: ['c'] },
    }
    assert.deepEqual(await same(value, [2]), [{ before: 'a', other: 'b', after: { c: ['c'] } }, [2]])
    assert.deepEqual(await inner, [[1, { b: 'inner' }]])
  })

  it('large values whose last part is unusual arrive many times, and so do usual ones in between', async () => {
    const same = start('same')
    const records = Array.from({ length: 300 }, (_, i) => ({ id: i, name: `name ${i}` }))
    for (let i = 0; i < 20; i++) {
      const value = i % 5 ? [...records, new Date(i)] : records
      assert.deepEqual(await same(value), [value])
      assert.deepEqual(await same({ i }), [{ i }])
    }
  })

  it('values of extensions that both processes have registered with cbor-x arrive as such', async () => {
    registerPoint()
    assert.deepEqual(await start('pointAt')(1, { y: [2] }), new Point(1, { y: [2] }))
  })

  it('a large buffer arrives under a key that UTF-8 cannot carry, and next to a named property of an array', async () => {
    const large = Buffer.alloc(1 << 17, 'large')
    const named = Object.assign([1, large], { name: large })
    const [bad, list] = (await start('same')({ ['\ud800']: large }, named)) as [Record<string, Buffer>, unknown[]]
    assert.ok(large.equals(Object.values(bad)[0]!))
    assert.deepEqual(list, [1, large])
  })

  it('a descriptor that is nested too deep for its note is rejected with a RangeError, and closed', async () => {
    const [one, other] = socketpair()
    let value: unknown = fd(one)
    for (let i = 0; i < 1001; i++) value = [value]
    await assert.rejects(start('same')(value), { name: 'RangeError' })
    one.close()
    other.close()
  })

  for (const async of [false, true]) {
    it(`maxMessageBytes bounds values, but no errors and notes, with async: ${async}`, async () => {
      const maxMessageBytes = 100_000
      const same = start('same', { async, maxMessageBytes })
      await assert.rejects(same(Buffer.alloc(maxMessageBytes)), {
        name: 'RangeError',
        message: /maxMessageBytes, 100000/,
      })
      const [almost] = (await same(Buffer.alloc(maxMessageBytes - 10))) as [Buffer]
      assert.equal(almost.length, maxMessageBytes - 10)
      await assert.rejects(start('zeroes', { async, maxMessageBytes })(2 * maxMessageBytes), { name: 'RangeError' })
      const throwText = start('throwText', { async, maxMessageBytes })
      await assert.rejects(
        throwText(2 * maxMessageBytes),
        ({ message }: Error) => message.length === 2 * maxMessageBytes,
      )
      await assert.rejects(throwText(1), { message: 'x' })
    })
  }

  it('a buffer of 16 MiB goes there and back unchanged', async () => {
    const big = Buffer.alloc(16 << 20, 'anyfork')
    const [back] = (await start('same')(big)) as [Buffer]
    assert.ok(big.equals(back))
  })

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`${serialiser}: several arguments go there and back unchanged`, async () => {
      assert.deepEqual(await start('same', { serialiser })('x', [1, { y: null }]), ['x', [1, { y: null }]])
    })

    it(`${serialiser}: an argument that would arrive empty is rejected with a TypeError that says what to do`, async () => {
      const add = start('add', { serialiser })
      const server = createServer().listen(0, '127.0.0.1')
      const [one, other] = socketpair()
      for (const [value, message] of [
        [() => {}, /a function cannot be sent/],
        [Symbol('x'), /a symbol cannot be sent/],
        [Promise.resolve(1), /await it/],
        [one, /a Descriptor is passed to another process by fd\(\)/],
        [server, /a Server is passed to another process by fd\(\)/],
      ] as [unknown, RegExp][]) {
        await assert.rejects(add(value, 1), { name: 'TypeError', message })
      }
      assert.equal(await add(1, 2), 3)
      for (const end of [one, other, server]) end.close()
    })
  }

  it('cbor: a function within an argument is rejected with a TypeError', async () => {
    await assert.rejects(start('add')({ in: [() => {}] }), {
      name: 'TypeError',
      message: 'args[0].in[0]: a function cannot be sent to another process',
    })
  })

  it('an argument that cannot be sent rejects only its own call', async () => {
    const same = start('same')
    await assert.rejects(
      same(() => {}),
      TypeError,
    )
    assert.deepEqual(await same(1), [1])
  })

  it('a result that cannot be sent rejects only its own call', async () => {
    const unsendable = start('unsendable')
    await assert.rejects(unsendable(), TypeError)
    await assert.rejects(unsendable(), TypeError)
  })
})
