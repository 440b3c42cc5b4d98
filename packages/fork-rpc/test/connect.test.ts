import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  connect,
  type Descriptor,
  fd,
  type PassedDescriptor,
  type Remote,
  type RpcOptions,
  rpcOf,
} from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

type Typed = typeof import('./fixtures/typed.js')
type Leaks = typeof import('./fixtures/descriptors.js')

const module = new URL('./fixtures/typed.js', import.meta.url)
/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_T extends true>(): void => {}

for (const async of [false, true]) {
  describe(`connect with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<Typed> => {
      const remote = connect<Typed>(fork(), module, { async, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('gives every function that a module exports, in one process', async () => {
      const remote = start()
      assert.equal(await remote.add(1, 2), 3)
      assert.equal(await remote.later('text'), 'text')
      assert.deepEqual(await Promise.all([remote.add(1, 1), remote.later('b'), remote.pair()]), [2, 'b', [1, 'one']])
      assert.equal(await remote.ready(), 'an export of this name')
      assert.equal(remote.add, remote.add)
    })

    it('gives what generators yield as async iterables', async () => {
      const remote = start()
      const seen: unknown[] = []
      for await (const n of remote.count(3)) seen.push(n)
      for await (const letter of remote.letters()) seen.push(letter)
      for await (const text of remote.list()) seen.push(text)
      for await (const n of await remote.count(1)) seen.push(n)
      assert.deepEqual(seen, [1, 2, 3, 'a', 'x', 'y', 1])
    })

    it('rejects only the calls of what is not exported, or is no function', async () => {
      const remote = start() as unknown as Record<string, () => Promise<unknown>>
      await assert.rejects(remote['absent']!(), { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
      await assert.rejects(remote['notAFunction']!(), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(remote['absent']!(), { code: 'ERR_EXPORT_NOT_FOUND' })
      assert.equal(await (remote as unknown as Remote<Typed>).add(1, 2), 3)
    })

    it('has options for calls on each function', async () => {
      const remote = start()
      assert.equal(await remote.add.with({ timeout: 10_000 })(1, 2), 3)
      await assert.rejects(remote.later.with({ signal: AbortSignal.abort() })('x'), { name: 'AbortError' })
      assert.throws(() => remote.add.with({ timeout: -1 }), TypeError)
    })

    it('is controlled by rpcOf, and by await using', async () => {
      const remote = start()
      const control = rpcOf(remote)
      await control.ready()
      assert.ok(control.isAlive)
      assert.equal(typeof control.pid, 'number')
      const call = remote.add(1, 2)
      await remote[Symbol.asyncDispose]()
      assert.equal(await call, 3)
      assert.deepEqual(await control.ended, { code: 0, signal: null })
      await assert.rejects(remote.add(1, 2), { code: 'ERR_RPC_CLOSED' })
    })

    it('passes descriptors both ways', async () => {
      const remote = start()
      assert.equal(await remote.close(fd(0)), true)
      const { input, name } = await remote.open()
      assert.equal(name, 'input')
      input.close()
    })

    it('leaves no descriptor behind in the process, whatever becomes of a call', async () => {
      const remote = connect<Leaks>(fork(), new URL('./fixtures/descriptors.js', import.meta.url), { async })
      track(rpcOf(remote))
      for (const stream of [remote.makeStream(1), remote.makeStream(100)])
        for await (const descriptor of stream) descriptor.close()
      const before = await remote.openDescriptors()
      await assert.rejects(remote.fail(fd(0)), { message: 'failed on purpose' })
      await assert.rejects((remote as unknown as { absent(of: unknown): Promise<unknown> }).absent(fd(0)), {
        code: 'ERR_EXPORT_NOT_FOUND',
      })
      await assert.rejects(remote.makeUnsendable('x') as Promise<unknown>)
      const controller = new AbortController()
      const withdrawn = remote.tagOf.with({ signal: controller.signal })(fd(0))
      controller.abort()
      await assert.rejects(withdrawn, { name: 'AbortError' })
      await assert.rejects(remote.tagsOf.with({ signal: AbortSignal.abort() })([fd(0)]), { name: 'AbortError' })
      for (const descriptor of await remote.make('a', 'b')) descriptor.close()
      for await (const descriptor of remote.makeStream(100)) {
        descriptor.close()
        break
      }
      assert.equal(await remote.openDescriptors(), before)
    })

    it('passes through an async function, and is no promise', async () => {
      const remote = await (async () => start())()
      assert.equal(await remote.add(1, 2), 3)
      assert.equal((remote as unknown as { then?: unknown }).then, undefined)
    })

    it('can be looked at: as text, as JSON, by inspect', async () => {
      const remote = start()
      assert.equal(JSON.stringify({ remote }), '{"remote":{}}')
      assert.equal(String(remote), '[object Remote]')
      assert.equal(`${remote as unknown as string}`, '[object Remote]')
      assert.equal(typeof inspect(remote), 'string')
      assert.equal(await remote.add(1, 2), 3)
    })

    it('rejects everything with why the module could not be loaded', async () => {
      const remote = connect<Typed>(fork(), '/no/such/module.js', { async, onError: () => {} })
      track(rpcOf(remote))
      await assert.rejects(remote.add(1, 2), { code: 'ERR_MODULE_NOT_FOUND' })
      await assert.rejects(rpcOf(remote).ready(), { code: 'ERR_MODULE_NOT_FOUND' })
    })
  })
}

describe('connect', () => {
  const { fork } = useConnections()

  it('throws a TypeError for a relative module, and for what it did not return', async () => {
    const unused = fork()
    assert.throws(() => connect(unused, './worker.js'), TypeError)
    assert.throws(() => rpcOf({}), TypeError)
    await unused.close()
  })

  it('has types', () => {
    type R = Remote<Typed>
    same<Same<ReturnType<R['add']>, Promise<number>>>()
    same<Same<Parameters<R['add']>, [a: number, b: number]>>()
    same<Same<ReturnType<R['later']>, Promise<string>>>()
    same<Same<ReturnType<R['count']>, Promise<AsyncIterableIterator<number>> & AsyncIterable<number>>>()
    same<Same<ReturnType<R['letters']>, Promise<AsyncIterableIterator<string>> & AsyncIterable<string>>>()
    same<Same<ReturnType<R['pair']>, Promise<[number, string]> & AsyncIterable<string | number>>>()
    same<Same<Parameters<R['optional']>, [a: number, b?: string | undefined]>>()
    same<Same<Awaited<ReturnType<R['when']>>, Map<string, Date>>>()
    same<Same<Awaited<ReturnType<R['open']>>['input'], Descriptor>>()
    same<Same<Awaited<ReturnType<R['openOne']>>, { input: Descriptor; of?: Error }>>()
    same<Same<Parameters<R['closeEach']>, [descriptors: readonly PassedDescriptor[]]>>()
    same<Same<ReturnType<R['nothing']>, Promise<void>>>()
    same<Same<Exclude<keyof Typed, keyof R>, 'notAFunction'>>()
    const remote = null as unknown as R
    void (() => {
      // @ts-expect-error: the arguments are typed
      void remote.add('1', 2)
      // @ts-expect-error: there have to be two
      void remote.add(1)
      // @ts-expect-error: a descriptor passes by fd()
      void remote.close(0)
      // @ts-expect-error: there is no such export
      void remote.absent()
      // @ts-expect-error: options are typed, too
      void remote.add.with({ timeout: 'soon' })(1, 2)
      // @ts-expect-error: what it returns is a promise
      const sum: number = remote.add(1, 2)
      void remote.close(fd(0))
      void remote.closeAll([{ input: fd(0), name: 'one', next: { input: fd(0), name: 'two' } }])
      // @ts-expect-error: a descriptor passes by fd(), also within an interface
      void remote.closeAll([{ input: null as unknown as Descriptor, name: 'one' }])
      void remote.closeEach([fd(0)])
      void remote.sum([1, 2].values())
      return sum
    })
  })
})
