import assert from 'node:assert/strict'
import { runInNewContext } from 'node:vm'
import { fd, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const nothing = (): void => {}
const cycle: { parts: unknown[] } = { parts: [] }
cycle.parts.push({ whole: cycle })

describe('paths in errors', () => {
  const { fork, start } = useConnections()

  const rejected: [path: string, args: unknown[]][] = [
    ['args[0]', [nothing]],
    ['args[1].user.signal', [1, { user: { signal: new AbortController().signal } }]],
    ['args[0].list[2].$then', [{ list: [1, 2, { $then: nothing }] }]],
    ['args[0]["two words"][""]', [{ 'two words': { '': nothing } }]],
    [
      '[...args[0]][1][1].f',
      [
        new Map<string, unknown>([
          ['a', 1],
          ['b', { f: nothing }],
        ]),
      ],
    ],
    ['[...args[0]][0][0].f', [new Map([[{ f: nothing }, 1]])]],
    ['[...args[0].set][1]', [{ set: new Set([1, nothing]) }]],
    ['args[0].parts', [Object.assign(Object.create({}), { parts: nothing })]],
  ]
  for (const serialiser of ['cbor', 'v8'] as const) {
    for (const [path, args] of rejected) {
      it(`${serialiser}: a value that cannot be sent is named by its path, ${path}`, async () => {
        await assert.rejects(start('same', { serialiser })(...args), (error: Error) => {
          assert.equal(error.name, 'TypeError')
          assert.equal(error.message.slice(0, path.length + 2), `${path}: `)
          return true
        })
      })
    }
  }

  it('json: the path leads to a function, which JSON.stringify would leave out', async () => {
    const same = start('same', { serialiser: 'json' })
    await assert.rejects(same({ a: [1, { f: nothing }] }), { name: 'TypeError', message: /^args\[0\]\.a\[1\]\.f: / })
    await assert.rejects(same(cycle), { name: 'TypeError', message: /^args\[0\]\.parts\[0\]\.whole: / })
    await assert.rejects(same({ big: 1n }), { name: 'TypeError', message: /^args\[0\]\.big: / })
  })

  it('cbor: the path leads to the value that refers to an object around it', async () => {
    await assert.rejects(start('same')(cycle), { name: 'RangeError', message: /^args\[0\]\.parts\[0\]\.whole: / })
  })

  it('octets: the path names the argument', async () => {
    const same = start('same', { serialiser: 'octets' })
    await assert.rejects(same('a', 5), { name: 'TypeError', message: /^args\[1\]: / })
    await assert.rejects(same('a', '\ud83d'), { name: 'TypeError', message: /^args\[1\]: / })
  })

  it('an error never contains the content of a value, and its path is bounded', async () => {
    const secret = { [`${'k'.repeat(10_000)}`]: () => 'secret' }
    await assert.rejects(start('same')(secret), ({ message }: Error) => message.length < 500 && !/secret/.test(message))
  })

  it('the stack of such an error has the function that made the call', async () => {
    const same = start('same')
    const theCaller = (): Promise<unknown> => same({ a: { b: { c: { d: { e: nothing } } } } })
    await assert.rejects(theCaller(), ({ stack }: Error) => /at theCaller /.test(stack!))
  })

  it('a descriptor in a map is rejected and closed', async () => {
    await assert.rejects(start('same')(new Map([['a', fd(0)]])), { name: 'TypeError', message: /^\[\.\.\.args\[0\]\]/ })
  })

  it('values and options of another realm are accepted', async () => {
    const url = runInNewContext('class URL { get [Symbol.toStringTag]() { return "URL" } href = href }; new URL()', {
      href: new URL('./fixtures/worker.js', import.meta.url).href,
    }) as URL
    const options = runInNewContext('({ async: true })') as RpcOptions
    const same = run(fork(), url, 'same', options)
    const values = runInNewContext('[{ a: [new Uint8Array(200_000).fill(1), new Set([/x/g])] }, new Error("x")]') as [
      { a: [Uint8Array, unknown] },
      Error,
    ]
    const [object, error] = (await same(...values)) as [{ a: [Uint8Array, unknown] }, Error]
    await same.close()
    assert.deepEqual(object, { a: [new Uint8Array(200_000).fill(1), new Set([/x/g])] })
    assert.ok(error instanceof Error)
    assert.equal(error.stack, values[1].stack)
  })

  it('a signal of another implementation, as jsdom has one, aborts its call', async () => {
    class OtherSignal extends EventTarget {
      aborted = false
      reason: unknown
      get [Symbol.toStringTag](): string {
        return 'AbortSignal'
      }
      abort(reason: Error): void {
        this.aborted = true
        this.reason = reason
        this.dispatchEvent(new Event('abort'))
      }
    }
    const signal = new OtherSignal()
    const call = start('untilAborted', { async: true, onEvent: () => {} }).with({ signal: signal as never })()
    signal.abort(new RangeError('no longer needed'))
    await assert.rejects(call, { name: 'RangeError', message: 'no longer needed' })
  })
})
