import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { connect, fd, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

type Typed = typeof import('./fixtures/typed.js')
type Descriptors = typeof import('./fixtures/descriptors.js')

const module = new URL('./fixtures/typed.js', import.meta.url)

for (const async of [false, true]) {
  describe(`connect with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<Typed> => {
      const remote = connect<Typed>(fork(), module, { async, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('every function that the module exports can be called, also one that is called ready', async () => {
      const remote = start()
      assert.equal(await remote.add(1, 2), 3)
      assert.equal(await remote.later('text'), 'text')
      assert.deepEqual(await Promise.all([remote.add(1, 1), remote.later('b'), remote.pair()]), [2, 'b', [1, 'one']])
      assert.equal(await remote.ready(), 'an export of this name')
      assert.equal(remote.add, remote.add)
    })

    it('for await reads what a generator yields, and what an array contains', async () => {
      const remote = start()
      const seen: unknown[] = []
      for await (const n of remote.count(3)) seen.push(n)
      for await (const letter of remote.letters()) seen.push(letter)
      for await (const text of remote.list()) seen.push(text)
      for await (const n of await remote.count(1)) seen.push(n)
      assert.deepEqual(seen, [1, 2, 3, 'a', 'x', 'y', 1])
    })

    it('a call of an export that does not exist, or is not a function, rejects with ERR_EXPORT_NOT_FOUND', async () => {
      const remote = start() as unknown as Record<string, () => Promise<unknown>>
      await assert.rejects(remote['absent']!(), { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
      await assert.rejects(remote['notAFunction']!(), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(remote['absent']!(), { code: 'ERR_EXPORT_NOT_FOUND' })
      assert.equal(await (remote as unknown as Remote<Typed>).add(1, 2), 3)
    })

    it('each function has with() for the options of a call', async () => {
      const remote = start()
      assert.equal(await remote.add.with({ timeout: 10_000 })(1, 2), 3)
      await assert.rejects(remote.later.with({ signal: AbortSignal.abort() })('x'), { name: 'AbortError' })
      assert.throws(() => remote.add.with({ timeout: -1 }), TypeError)
    })

    it('rpcOf() returns the control of the connection; disposing of the remote closes it', async () => {
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

    it('descriptors are passed as arguments and within results', async () => {
      const remote = start()
      assert.equal(await remote.close(fd(0)), true)
      const { input, name } = await remote.open()
      assert.equal(name, 'input')
      input.close()
    })

    it('the process keeps no descriptor of a call that fails, is aborted, or returns descriptors', async () => {
      const remote = connect<Descriptors>(fork(), new URL('./fixtures/descriptors.js', import.meta.url), { async })
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

    it('an async function can return the remote, because it is not a thenable', async () => {
      const remote = await (async () => start())()
      assert.equal(await remote.add(1, 2), 3)
      assert.equal((remote as unknown as { then?: unknown }).then, undefined)
    })

    it('the remote can be converted to a string and to JSON, and inspected', async () => {
      const remote = start()
      assert.equal(JSON.stringify({ remote }), '{"remote":{}}')
      assert.equal(String(remote), '[object Remote]')
      assert.equal(`${remote as unknown as string}`, '[object Remote]')
      assert.equal(typeof inspect(remote), 'string')
      assert.equal(await remote.add(1, 2), 3)
    })

    it('calls and ready() reject with ERR_MODULE_NOT_FOUND if the module does not exist', async () => {
      const remote = connect<Typed>(fork(), '/no/such/module.js', { async, onError: () => {} })
      track(rpcOf(remote))
      await assert.rejects(remote.add(1, 2), { code: 'ERR_MODULE_NOT_FOUND' })
      await assert.rejects(rpcOf(remote).ready(), { code: 'ERR_MODULE_NOT_FOUND' })
    })
  })
}

describe('connect', () => {
  const { fork } = useConnections()

  it('connect() throws a TypeError for a relative module', async () => {
    const unused = fork()
    assert.throws(() => connect(unused, './worker.js'), TypeError)
    await unused.close()
  })

  it('rpcOf() throws a TypeError for an object that connect() has not returned', () => {
    assert.throws(() => rpcOf({}), TypeError)
  })
})
