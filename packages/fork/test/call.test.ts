import assert from 'node:assert/strict'
import { dup } from '@anyfork/fdpass'
import { ForkError, ForkProcess } from '@anyfork/fork'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const module = new URL('./fixtures/callable.js', import.meta.url)

/** Asserts that an error of a process has a code and a cause. */
const callFailed = (cause: object) => (error: unknown) => {
  assert.ok(error instanceof ForkError)
  assert.equal(error.code, 'ERR_CALL_FAILED')
  for (const [name, value] of Object.entries(cause))
    assert.equal((error.cause as Record<string, unknown>)[name], value, name)
  return error.cause instanceof RangeError
}

for (const mode of ['fork', 'auto', 'exec'] as const) {
  describe(`call() in mode ${mode}`, () => {
    let template: ForkProcess
    beforeEach(() => void (template = ForkProcess.exec({ mode })))
    afterEach(() => template.close())

    it(`call() passes any values, and resolves with the result (mode ${mode})`, async () => {
      const values = [1, 'text', null, undefined, new Map([['a', [new Date(0)]]]), Buffer.from('bytes'), 2n ** 70n]
      assert.deepEqual(await template.call(module, 'echo', ...values), values)
      assert.deepEqual(await template.call('node:path', 'basename', '/a/b'), 'b')
    })

    it(`forks have what a call has done, once, in the order of the orders (mode ${mode})`, async () => {
      const counts = ['a', 'b', 'c'].map(value => template.call(module, 'add', value))
      const early = template.fork()
      const later = template.call(module, 'add', 'd')
      const inner = template.fork()
      const late = inner.fork()
      assert.deepEqual(await Promise.all([...counts, later]), [1, 2, 3, 4])
      assert.deepEqual(await early.call(module, 'readLog'), ['a', 'b', 'c'])
      assert.deepEqual(await late.call(module, 'add', 'e'), 5)
      assert.deepEqual(await answer(await late.run(module, 'sendLog')), ['a', 'b', 'c', 'd', 'e'])
      assert.deepEqual(await template.call(module, 'readLog'), ['a', 'b', 'c', 'd'])
      await Promise.all([early.close(), inner.close()])
    })

    it(`a call whose function throws rejects with ERR_CALL_FAILED, and the process goes on (mode ${mode})`, async () => {
      await assert.rejects(template.call(module, 'fail'), callFailed({ message: 'too much', code: 'E_MUCH' }))
      await template.ready()
      const fork = template.fork()
      await assert.rejects(fork.call(module, 'fail'), callFailed({ code: 'E_MUCH' }))
      assert.equal((await fork.call<unknown[]>(module, 'readLog')).at(-1), 'failed')
      await fork.close()
    })
  })
}

describe('call()', () => {
  it('rejects if there is no such function, and the process goes on', async () => {
    const process = ForkProcess.create()
    await assert.rejects(process.call(new URL('./no-such-file.js', module), 'a'), { code: 'ERR_MODULE_NOT_FOUND' })
    await assert.rejects(process.call(module, 'a'), { code: 'ERR_EXPORT_NOT_FOUND' })
    assert.deepEqual(await process.call(module, 'echo', 1), [1])
    await process.close()
  })

  it('rejects for a result that cannot be cloned or has more than 64 MiB, and the process goes on', async () => {
    const process = ForkProcess.create()
    await assert.rejects(process.call(module, 'returnFunction'), {
      name: 'TypeError',
      message: /function at deep\[0\]/,
    })
    await assert.rejects(process.call(module, 'returnBytes', 1 << 26), { name: 'RangeError', message: /67108864/ })
    assert.equal((await process.call<Uint8Array>(module, 'returnBytes', 60_000_000)).length, 60_000_000)
    assert.deepEqual(await process.call(module, 'readLog'), ['function'])
    await process.close()
  })

  it('rejects with a TypeError for arguments that cannot be cloned, and after run(), close(), and toFd()', async () => {
    const process = ForkProcess.create()
    const socket = dup(0)
    await assert.rejects(process.call(module, 'echo', socket), { name: 'TypeError', message: /sendFd/ })
    await assert.rejects(
      process.call(module, 'echo', () => {}),
      { name: 'TypeError', message: /a function/ },
    )
    await assert.rejects(process.call('./relative.js', 'echo'), TypeError)
    await assert.rejects(process.call(module, 7 as unknown as string), TypeError)
    socket.close()
    await answer(await process.run(module, 'sendLog'))
    await assert.rejects(process.call(module, 'echo'), { name: 'TypeError', message: 'call() after run()' })
    await process.exited
    const closed = ForkProcess.create()
    const closing = closed.close()
    await assert.rejects(closed.call(module, 'echo'), { name: 'TypeError', message: 'call() after close()' })
    await closing
  })

  it('rejects with the error of an earlier order, and with ERR_PROCESS_EXITED if the process ends meanwhile', async () => {
    const failing = ForkProcess.create().eval('throw new Error("early")')
    await assert.rejects(failing.call(module, 'echo'), { code: 'ERR_EVAL_FAILED' })
    await assert.rejects(ForkProcess.create().call(module, 'exit', 9), { code: 'ERR_PROCESS_EXITED', exitCode: 9 })
    const killed = ForkProcess.create()
    await killed.ready()
    const pending = killed.call(module, 'never')
    killed.kill('SIGKILL')
    await assert.rejects(pending, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
  })

  it('replaces spare forks, which lack what the function has done', async () => {
    const template = ForkProcess.exec().require(module).keepSpares(2)
    await template.ready()
    await template.call(module, 'add', 'late')
    const fork = template.fork()
    assert.deepEqual(await fork.call(module, 'readLog'), ['late'])
    await fork.close()
    await template.close()
  })

  it('runs again in the interpreter that takes the place of a fork whose call starts a worker thread', async () => {
    const template = ForkProcess.exec({ mode: 'auto' })
    await template.call(module, 'add', 'template')
    const fork = template.fork()
    assert.equal(await fork.call(module, 'add', 'fork'), 2)
    assert.equal(await fork.call(module, 'startThread'), true)
    assert.equal(fork.mode, 'exec')
    assert.deepEqual(await fork.call(module, 'readLog'), ['template', 'fork'])
    await fork.close()
    await template.close()
  })
})
