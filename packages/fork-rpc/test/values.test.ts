import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { socketpair } from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

describe('values', () => {
  const { start } = useConnections()

  const values: [what: string, value: unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['big integers', 2n ** 60n],
    ['text of all planes', 'a\u00e9\u20ac\u{1f600}'],
    ['dates', new Date(86_400_000)],
    ['nested objects', { a: [1, { b: [true, null, -0.5] }] }],
    ['maps and sets', [new Map([['a', 1]]), new Set([1, 2])]],
    ['buffers', Buffer.from([1, 2, 3])],
    ['typed arrays', new Float64Array([1.5, -2])],
  ]
  for (const [what, value] of values) {
    it(`carries ${what} there and back`, async () => {
      assert.deepEqual(await start('same')(value), [value])
    })
  }

  it('carries a buffer of 16 MiB there and back', async () => {
    const big = Buffer.alloc(16 << 20, 'anyfork')
    const [back] = (await start('same')(big)) as [Buffer]
    assert.ok(big.equals(back))
  })

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`speaks ${serialiser}`, async () => {
      assert.deepEqual(await start('same', { serialiser })('x', [1, { y: null }]), ['x', [1, { y: null }]])
    })
  }

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`rejects with a TypeError that tells what to do for what would come out empty, ${serialiser}`, async () => {
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

  it('rejects with a TypeError for a function deep within, with cbor', async () => {
    await assert.rejects(start('add')({ in: [() => {}] }), {
      name: 'TypeError',
      message: 'a function cannot be sent to another process',
    })
  })

  it('rejects only the call whose argument or result cannot be sent', async () => {
    const same = start('same')
    await assert.rejects(
      same(() => {}),
      TypeError,
    )
    assert.deepEqual(await same(1), [1])
    await same.destroy()
    const unsendable = start('unsendable')
    await assert.rejects(unsendable(), TypeError)
    await assert.rejects(unsendable(), TypeError)
  })
})
