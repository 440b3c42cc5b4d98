import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { inspect, promisify } from 'node:util'
import { type RpcOptions, run, type SerialiserName } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const LARGE = 200_000
const withKeys = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, i]))
const cycle: { self?: unknown } = {}
cycle.self = cycle
const own = new URL('./fixtures/own-serialiser.js', import.meta.url)

describe('serialisers', () => {
  const { fork, start } = useConnections()

  const carried: [serialiser: SerialiserName, what: string, value: unknown][] = [
    ['octets', 'text of ASCII', 'abcdefgh'],
    ['octets', 'text of all planes', 'a\u00e9\u20ac\u{1f600}'.repeat(10)],
    ['octets', 'empty text', ''],
    ['octets', 'long text', 'x\u20ac'.repeat(LARGE)],
    ['octets', 'bytes', Buffer.from([0, 255, 128])],
    ['octets', 'many bytes', Buffer.alloc(LARGE, 'any')],
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
        'large binaries of several classes within arrays and objects',
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
      ...[0, 23, 24, 255, 256, 65_535, 65_536, 100_000].map((count): (typeof carried)[number] => [
        serialiser,
        `an object of ${count} keys`,
        [withKeys(count), 'and more'],
      ]),
      [serialiser, 'many small values', Array.from({ length: 50_000 }, (_, i) => ({ i }))],
    ]),
    ['json', 'values of JSON', { a: [1, 'b', null, true, { c: -0.5 }] }],
    ['json', 'much text', '\u20ac'.repeat(LARGE)],
    ['v8', 'an ArrayBuffer', new Uint8Array(LARGE).fill(3).buffer],
    ['v8', 'a small DataView', new DataView(new ArrayBuffer(4))],
    ['v8', 'a cycle', cycle],
  ]
  for (const [serialiser, what, value] of carried) {
    it(`${serialiser} carries ${what} there and back`, async () => {
      assert.deepEqual(await start('first', { serialiser })(value), value)
    })
  }

  it('a large buffer is not copied, wherever it is in an argument', async () => {
    const first = start('first')
    const buffer = Buffer.alloc(LARGE, 'before')
    const answered = first({ list: [buffer] })
    buffer.fill('after')
    assert.ok(((await answered) as { list: Buffer[] }).list[0]!.equals(Buffer.alloc(LARGE, 'after')))
  })

  it('a buffer of 100 MiB goes there and back', async function () {
    this.timeout(60_000)
    const big = Buffer.alloc(100 << 20, 'anyfork')
    assert.ok(big.equals((await start('first')(big)) as Buffer))
  })

  const refused: [options: RpcOptions, value: unknown, reason: object][] = [
    [{ serialiser: 'octets' }, 5, { name: 'TypeError', message: /octets/ }],
    [{ serialiser: 'octets' }, null, { name: 'TypeError' }],
    [{ serialiser: 'json' }, 5n, { name: 'TypeError' }],
    [{ serialiser: 'v8' }, Symbol('none'), { name: 'TypeError', message: /symbol/ }],
    [{ serialiser: 'cbor' }, Symbol('none'), { name: 'TypeError' }],
    [{ serialiser: 'cbor' }, [() => {}], { name: 'TypeError' }],
    [{ serialiser: 'cbor' }, cycle, { name: 'RangeError' }],
    [{ serialiser: 'json' }, cycle, { name: 'TypeError' }],
    [{ serialiser: own }, 'unspeakable', { name: 'RangeError', message: 'cannot say that' }],
  ]
  for (const [options, value, reason] of refused) {
    it(`${String(options.serialiser).replace(/.*\//, '')} rejects only the call with ${typeof value} ${inspect(value)}`, async () => {
      const first = start('first', options)
      const calls = [first('a'), first(value), first('b')]
      await assert.rejects(Promise.resolve(calls[1]), reason)
      assert.deepEqual(await Promise.all([calls[0], calls[2]]), ['a', 'b'])
    })
  }

  it('one of your own is loaded on both sides', async () => {
    const first = start('first', { serialiser: own })
    assert.deepEqual(await first({ x: [1, 'own'] }), { x: [1, 'by its own'] })
    await assert.rejects(start('unspeakable', { serialiser: own })(), {
      name: 'RangeError',
      message: 'cannot say that',
    })
  })

  it('one of your own may use its memory again', async () => {
    const first = start('first', { serialiser: new URL('./fixtures/thrifty-serialiser.js', import.meta.url) })
    for (const size of [1000, LARGE]) {
      const values = ['a', 'b', 'c'].map(letter => letter.repeat(size))
      assert.deepEqual(await Promise.all(values.map(value => first(value))), values)
    }
  })

  it('of your own that cannot be loaded, or is none, is an error at once', async () => {
    const unused = fork()
    const first = (serialiser: URL | SerialiserName): unknown => run(unused, 'node:path', 'join', { serialiser })
    assert.throws(() => first(new URL('./none.js', import.meta.url)), { code: 'MODULE_NOT_FOUND' })
    assert.throws(() => first(new URL('./fixtures/worker.js', import.meta.url)), TypeError)
    assert.throws(() => first('toString' as 'json'), TypeError)
    await unused.close()
  })

  it('that cannot be loaded ahead is an error of the first connection, and only there', async () => {
    const program = `
      import Module from 'node:module'
      import { setTimeout } from 'node:timers/promises'
      import { ForkProcess, preload, run } from '@anyfork/fork-rpc'
      const load = Module._load
      let attempts = 0
      Module._load = (name, ...rest) => {
        if (name === 'cbor-x' && attempts++ < 2) throw new Error('not to be had')
        return load(name, ...rest)
      }
      const template = preload(ForkProcess.exec())
      while (!attempts) await setTimeout(1)
      try {
        run(template.fork(), 'node:path', 'basename')
      } catch ({ message }) {
        console.log(message)
      }
      console.log(await run(template.fork(), 'node:path', 'basename')('/a/b'))
      process.exit()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, 'not to be had\nb\n')
  })
})
