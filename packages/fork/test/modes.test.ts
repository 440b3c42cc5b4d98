import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Descriptor, pipe } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, openResources } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { areAllThreadsCopied } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const hooks = new URL('./fixtures/hooks.js', import.meta.url)

/** Starts a thread in a template, so that it cannot be forked. */
async function keepThread(): Promise<void> {
  const { Worker } = await import('node:worker_threads')
  const thread = new Worker('setInterval(() => {}, 1000)', { eval: true })
  await new Promise(resolve => thread.once('online', resolve))
  thread.unref()
  Object.assign(globalThis, { thread })
}

describe('modes', () => {
  it('a template whose interpreter preloads a module with a thread is not forked, because the fork would wait forever', async function () {
    if (areAllThreadsCopied) return this.skip() // it is copied
    const preload =
      "import { Worker } from 'node:worker_threads'; new Worker('setInterval(() => {}, 1000)', { eval: true }).unref()"
    const execArgv = ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
    const refusing = ForkProcess.exec({ mode: 'fork', threads: 'one', execArgv })
    assert.equal((await refusing.check()).canFork, false)
    await assert.rejects(refusing.fork().ready(), { code: 'ERR_FOREIGN_THREADS', message: /has 1 thread / })
    refusing.kill('SIGKILL')
    const template = ForkProcess.exec({ mode: 'auto', threads: 'one', execArgv })
    const child = template.fork()
    await child.ready()
    assert.equal(child.mode, 'exec')
    for (const process of [child, template]) process.kill('SIGKILL')
    await Promise.all([refusing.exited, child.exited, template.exited])
  })

  for (const mode of ['exec', 'auto'] as const) {
    it(`an interpreter ends with code 0 although an order arrives at its end, in mode ${mode}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const isOrdered = join(folder, 'ordered')
      const interpreter = ForkProcess.exec({ mode }).eval(() => {
        const end = (socket: Descriptor, file: string): void => {
          const { existsSync, writeSync } = process.getBuiltinModule('node:fs')
          process.once('exit', () => {
            writeSync(socket.fd, 'x')
            while (!existsSync(file));
          })
        }
        Object.assign(globalThis, { end })
      })
      const socket = (await interpreter.sendArg(isOrdered).run('end')).toSocket()
      await once(socket, 'data')
      const inspecting = assert.rejects(interpreter.inspect(), { code: 'ERR_PROCESS_EXITED' })
      writeFileSync(isOrdered, '')
      assert.deepEqual(await interpreter.exited, { code: 0, signal: null })
      await inspecting
      socket.destroy()
      rmSync(folder, { recursive: true })
    })
  }

  it('a template is not forked if a request that the fork waited for starts a thread', async function () {
    if (areAllThreadsCopied) return this.skip() // it is copied
    const template = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
      const { pbkdf2 } = await import('node:crypto')
      const { Worker } = await import('node:worker_threads')
      pbkdf2('a', 'b', 100_000, 64, 'sha512', () => new Worker('setInterval(() => {}, 1000)', { eval: true }).unref())
    })
    await assert.rejects(template.fork().ready(), { code: 'ERR_FOREIGN_THREADS' })
    template.kill('SIGKILL')
    await template.exited
  })

  it('with a foreign thread, mode fork rejects and mode auto replays the earlier orders in order', async function () {
    if (areAllThreadsCopied) return this.skip() // it is copied
    const refusing = ForkProcess.exec({ mode: 'fork' }).eval(keepThread)
    await assert.rejects(refusing.fork().ready(), { code: 'ERR_FOREIGN_THREADS' })
    refusing.kill('SIGKILL')
    await refusing.exited
    const before = openResources()
    const template = ForkProcess.exec({ mode: 'auto' }).sendArg('first').eval(keepThread).require(worker)
    const child = template.fork().sendArg('second')
    assert.deepEqual(await answer(await child.run(worker, 'describeArguments')), ['first', 'second'])
    assert.equal(child.mode, 'exec')
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    assert.deepEqual(childrenOf(template.pid!), [])
    template.kill('SIGKILL')
    await template.exited
    await assertNothingLeft(before)
  })

  for (const mode of ['fork', 'exec'] as const) {
    describe(`mode ${mode}`, () => {
      it(`mode ${mode} copies arguments, descriptors, globals, and the working directory, also to forks of forks`, async () => {
        const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
        const [readEnd, writeEnd] = pipe()
        const template = ForkProcess.exec({ mode })
          .sendArg('a')
          .restrict({ cwd: folder })
          .eval(() => Object.assign(globalThis, { seen: process.cwd() }))
        const inner = template.fork().sendFd(readEnd)
        const child = inner.fork().sendArg('b')
        readEnd.close()
        writeEnd.close()
        const got = await answer<unknown[]>(await child.run(worker, 'describeArguments'))
        assert.deepEqual([got[0], got[2]], ['a', 'b'])
        assert.equal(typeof (got[1] as { inode: number }).inode, 'number')
        const other = template.fork().eval('function seen2(socket) { socket.toSocket().end(JSON.stringify(seen)) }')
        assert.equal(await answer(await other.run('seen2')), folder)
        assert.equal(other.mode, mode)
        await inner.close()
        await template.close()
        rmSync(folder, { recursive: true })
      })

      it(`mode ${mode} reports how a child ended, and settles pending orders when the template is killed`, async () => {
        const template = ForkProcess.exec({ mode })
        const [one, two] = [template.fork(), template.fork()]
        await Promise.all([one.ready(), two.ready()])
        one.kill('SIGKILL')
        assert.deepEqual(await one.exited, { code: null, signal: 'SIGKILL' })
        await assert.rejects(two.eval('process.exit(9)').ready(), { code: 'ERR_PROCESS_EXITED', exitCode: 9 })
        assert.deepEqual(await two.exited, { code: 9, signal: null })
        const cut = template.fork()
        template.kill('SIGKILL')
        await Promise.allSettled([cut.ready()]) // it may have been forked in time
        await cut.close()
      })

      it(`mode ${mode} calls the undo functions of beforeFork hooks in the template`, async () => {
        const template = ForkProcess.exec({ mode }).require(hooks)
        const first = template.fork()
        await first.ready()
        await template.eval('if (globalThis.undone !== "2 1") throw new Error(globalThis.undone)').ready()
        await first.close()
        await template.close()
      })

      it(`mode ${mode} calls afterFork hooks in the child before its function`, async () => {
        const template = ForkProcess.exec({ mode }).require(hooks)
        const log = await answer<string[]>(await template.fork().run(hooks, 'readLog'))
        assert.deepEqual(log.slice(-2), ['after 1', 'after 2'])
        await template.close()
      })
    })
  }

  it('mode exec rejects with ERR_CANNOT_REPLAY if code has closed a descriptor; the template survives', async () => {
    const [readEnd, writeEnd] = pipe()
    const template = ForkProcess.exec({ mode: 'exec' }).sendFd(readEnd)
    readEnd.close()
    writeEnd.close()
    const child = new URL('./fixtures/close-descriptors.js', import.meta.url)
    template.warm(child, 'closeDescriptors')
    const fork = template.fork()
    await assert.rejects(fork.ready(), { code: 'ERR_CANNOT_REPLAY' })
    assert.deepEqual(await fork.exited, { code: null, signal: null })
    await template.ready()
    await template.close()
  })

  it('mode auto keeps a bounded number of orders: beyond it, a replay rejects with ERR_CANNOT_REPLAY and the template survives', async function () {
    if (areAllThreadsCopied) return this.skip() // it is not needed
    const template = ForkProcess.exec({ mode: 'auto' })
    for (let i = 0; i < 20; i++) template.eval((_: string) => {}, 'x'.repeat(1 << 20))
    const child = template.fork()
    await child.ready()
    await child.close()
    const refused = template.eval(keepThread).fork()
    await assert.rejects(refused.ready(), { code: 'ERR_CANNOT_REPLAY', message: /auto/ })
    await template.ready()
    await template.close()
  })

  it('an unknown mode is a TypeError', () => {
    assert.throws(() => ForkProcess.exec({ mode: 'spoon' as 'fork' }), TypeError)
  })
})
