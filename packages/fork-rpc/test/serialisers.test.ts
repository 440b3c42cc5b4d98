import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type RpcOptions, run, type SerialiserName } from '@anyfork/fork-rpc'
import { outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

/** More than the 64 KiB from which on a binary is sent as an attachment. */
const LARGE = 200_000
/** More than the 64 MiB of a payload that the reader allocates before they arrive. */
const HUGE = 65 << 20
/** Around each of these counts, the header of a CBOR map has another length. */
const KEY_COUNTS = [0, 23, 24, 255, 256, 65_535, 65_536]
const withKeys = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, i]))
const cycle: { self?: unknown } = {}
cycle.self = cycle
const own = new URL('./fixtures/own-serialiser.js', import.meta.url)

describe('serialisers', () => {
  const { fork, start } = useConnections()

  const carried: [serialiser: SerialiserName, what: string, value: unknown][] = [
    ['octets', 'ASCII text', 'abcdefgh'],
    ['octets', 'text with characters of one to four bytes', 'a\u00e9\u20ac\u{1f600}'.repeat(10)],
    ['octets', 'empty text', ''],
    ['octets', 'long text', 'x\u20ac'.repeat(LARGE)],
    ['octets', 'a small buffer', Buffer.from([0, 255, 128])],
    ['octets', 'a large buffer', Buffer.alloc(LARGE, 'any')],
    ...(['cbor', 'v8'] as const).flatMap((serialiser): typeof carried => [
      [serialiser, 'a small buffer', Buffer.from('abc')],
      [serialiser, 'a large buffer', Buffer.alloc(LARGE, 'anyfork')],
      [serialiser, 'a small Uint8Array', new Uint8Array([1, 2])],
      [serialiser, 'a large Uint8Array', new Uint8Array(LARGE).fill(7)],
      [serialiser, 'a large Float64Array', new Float64Array(LARGE).fill(0.5)],
      [serialiser, 'a large BigInt64Array', new BigInt64Array(LARGE).fill(-5n)],
      [serialiser, 'a large buffer within an object', { deep: [Buffer.alloc(LARGE, 'deep')] }],
      [
        serialiser,
        'an object with large binaries of several classes',
        {
          list: [1, [new Float64Array(LARGE), 'a']],
          [LARGE]: { data: Buffer.alloc(LARGE, 'b'), size: 2 },
          last: new Uint8Array(LARGE),
        },
      ],
      [
        serialiser,
        'a large buffer behind thousands of objects',
        [...Array.from({ length: 5000 }, (_, i) => ({ i })), { data: Buffer.alloc(LARGE, 'c') }],
      ],
      [serialiser, 'long text', '\u20ac'.repeat(LARGE)],
      ...(serialiser === 'cbor' ? KEY_COUNTS : [256]).map((count): (typeof carried)[number] => [
        serialiser,
        `an object with ${count} keys`,
        [withKeys(count), 'a value behind it'],
      ]),
      [serialiser, 'an array of 50,000 small objects', Array.from({ length: 50_000 }, (_, i) => ({ i }))],
    ]),
    ['json', 'nested JSON values', { a: [1, 'b', null, true, { c: -0.5 }] }],
    ['json', 'long text', '\u20ac'.repeat(LARGE)],
    ['v8', 'an ArrayBuffer', new Uint8Array(LARGE).fill(3).buffer],
    ['v8', 'a small DataView', new DataView(new ArrayBuffer(4))],
    ['v8', 'a cycle', cycle],
  ]
  for (const [serialiser, what, value] of carried) {
    it(`${serialiser}: ${what} goes there and back unchanged`, async () => {
      assert.deepEqual(await start('first', { serialiser })(value), value)
    })
  }

  it('a large buffer within an argument is not copied: a change before it is written arrives', async () => {
    const first = start('first')
    const buffer = Buffer.alloc(LARGE, 'before')
    const result = first({ list: [buffer] })
    buffer.fill('after')
    assert.ok(((await result) as { list: Buffer[] }).list[0]!.equals(Buffer.alloc(LARGE, 'after')))
  })

  it('a buffer of 65 MiB goes there and back unchanged', async () => {
    const huge = Buffer.alloc(HUGE, 'anyfork')
    assert.ok(huge.equals((await start('first')(huge)) as Buffer))
  })

  const unencodable: [options: RpcOptions, value: unknown, reason: object][] = [
    [{ serialiser: 'octets' }, 5, { name: 'TypeError', message: /octets/ }],
    [{ serialiser: 'octets' }, null, { name: 'TypeError' }],
    [{ serialiser: 'json' }, 5n, { name: 'TypeError' }],
    [{ serialiser: 'v8' }, Symbol('none'), { name: 'TypeError', message: /symbol/ }],
    [{ serialiser: 'cbor' }, Symbol('none'), { name: 'TypeError' }],
    [{ serialiser: 'cbor' }, [() => {}], { name: 'TypeError' }],
    [{ serialiser: 'cbor' }, cycle, { name: 'RangeError' }],
    [{ serialiser: 'json' }, cycle, { name: 'TypeError' }],
    [{ serialiser: own }, 'unencodable', { name: 'RangeError', message: 'cannot encode that' }],
  ]
  for (const [options, value, reason] of unencodable) {
    it(`${String(options.serialiser).replace(/.*\//, '')}: the argument ${inspect(value)} rejects only its own call`, async () => {
      const first = start('first', options)
      const calls = [first('a'), first(value), first('b')]
      await assert.rejects(calls[1]!, reason)
      assert.deepEqual(await Promise.all([calls[0], calls[2]]), ['a', 'b'])
    })
  }

  it('a custom serialiser encodes and decodes on both sides', async () => {
    const first = start('first', { serialiser: own })
    assert.deepEqual(await first({ x: [1, 'own'] }), { x: [1, 'decoded by its own serialiser'] })
    await assert.rejects(start('unencodable', { serialiser: own })(), {
      name: 'RangeError',
      message: 'cannot encode that',
    })
  })

  it('a custom serialiser may encode into the same memory each time', async () => {
    const first = start('first', { serialiser: new URL('./fixtures/reusing-serialiser.js', import.meta.url) })
    for (const size of [1000, LARGE]) {
      const values = ['a', 'b', 'c'].map(letter => letter.repeat(size))
      assert.deepEqual(await Promise.all(values.map(value => first(value))), values)
    }
  })

  it('run() throws if a custom serialiser cannot be loaded, or is not a serialiser', async () => {
    const unused = fork()
    const first = (serialiser: URL | SerialiserName): unknown => run(unused, 'node:path', 'join', { serialiser })
    assert.throws(() => first(new URL('./none.js', import.meta.url)), { code: 'MODULE_NOT_FOUND' })
    assert.throws(() => first(new URL('./fixtures/worker.js', import.meta.url)), TypeError)
    assert.throws(() => first('toString' as 'json'), TypeError)
    await unused.close()
  })

  it('run() throws if cbor-x cannot be loaded, and succeeds when it can', async () => {
    const program = `
      import Module from 'node:module'
      import { setTimeout } from 'node:timers/promises'
      import { ForkProcess, preload, run } from '@anyfork/fork-rpc'
      const load = Module._load
      let attempts = 0
      Module._load = (name, ...rest) => {
        if (name === 'cbor-x' && attempts++ < 2) throw new Error('cannot be loaded')
        return load(name, ...rest)
      }
      const template = preload(ForkProcess.exec())
      while (!attempts) await setTimeout(1) // preload() loads it ahead, and ignores the error
      try {
        run(template.fork(), 'node:path', 'basename')
      } catch ({ message }) {
        console.log(message)
      }
      console.log(await run(template.fork(), 'node:path', 'basename')('/a/b'))
      process.exit()`
    assert.equal(await outputOf(program), 'cannot be loaded\nb\n')
  })
})
