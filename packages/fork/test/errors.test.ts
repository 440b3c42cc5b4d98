import assert from 'node:assert/strict'
import { ForkError, ForkProcess } from '@anyfork/fork'
import { outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { areAllThreadsCopied } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const broken = new URL('./fixtures/throws-while-loading.js', import.meta.url)

describe('errors of ForkProcess', () => {
  it('an unknown module rejects with ERR_MODULE_NOT_FOUND, which names it', async () => {
    await assert.rejects(ForkProcess.create().run('/no/such.js', 'f'), {
      code: 'ERR_MODULE_NOT_FOUND',
      message: /\/no\/such\.js/,
    })
    await assert.rejects(ForkProcess.create().require('no-such-package').ready(), {
      code: 'ERR_MODULE_NOT_FOUND',
      message: /no-such-package/,
    })
  })

  it('the message of ERR_MODULE_NOT_FOUND names the folder from which a package is looked up, and none for a path', async () => {
    const message = (module: string): Promise<string> =>
      ForkProcess.create()
        .require(module)
        .ready()
        .then(
          () => assert.fail(),
          error => error.message,
        )
    assert.match(await message('no-such-package'), /^cannot find module no-such-package: .* imported from \/[^[]+$/)
    assert.match(await message('/no/such.js'), /^cannot find module [^[]*\/no\/such\.js: [^[]*'\/no\/such\.js'$/)
  })

  it('an unknown export rejects with ERR_EXPORT_NOT_FOUND, which names the export and the module', async () => {
    await assert.rejects(ForkProcess.create().run(worker, 'absent'), {
      code: 'ERR_EXPORT_NOT_FOUND',
      message: /absent.*worker\.js/,
    })
  })

  it('an error that a process reports is a ForkError', async () => {
    const reported = await Promise.all([
      ForkProcess.create().run(worker, 'absent').catch(identity),
      ForkProcess.create().require('no-such-package').ready().catch(identity),
      ForkProcess.create().eval('throw 1').ready().catch(identity),
    ])
    for (const error of reported) assert.ok(error instanceof ForkError, String(error))
  })

  it('an unknown global function rejects with ERR_EXPORT_NOT_FOUND', async () => {
    await assert.rejects(ForkProcess.create().run('absent'), { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
  })

  it('a module that throws while loading rejects with ERR_MODULE_FAILED and the error as cause', async () => {
    const failed = ForkProcess.create().require(broken)
    const error = await failed.ready().then(
      () => assert.fail(),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof Error)
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_MODULE_FAILED')
    assert.match(error.message, /throws-while-loading\.js.*not today/)
    assert.ok(error.cause instanceof RangeError)
    await assert.rejects(failed.run('anything'), { code: 'ERR_MODULE_FAILED' })
  })

  it('eval() of code that throws rejects with ERR_EVAL_FAILED and the error as cause', async () => {
    await assert.rejects(
      ForkProcess.create().eval('throw new RangeError("no")').ready(),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_EVAL_FAILED')
        assert.ok(error.cause instanceof RangeError)
        return true
      },
    )
  })

  it('an error larger than the socket buffer arrives whole', async () => {
    await assert.rejects(
      ForkProcess.create().eval('throw new Error("x".repeat(3000000))').ready(),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_EVAL_FAILED')
        return error.message.length > 3_000_000
      },
    )
  })

  it('an error that is too large keeps its code, its small properties, and its cause', async () => {
    const throwLarge = `
      const error = new RangeError('x'.repeat(20_000_000), { cause: new TypeError('the cause') })
      throw Object.assign(error, { code: 'E_LARGE', large: Buffer.alloc(20_000_000), number: 7 })`
    await assert.rejects(ForkProcess.create().eval(throwLarge).ready(), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ERR_EVAL_FAILED')
      assert.ok(error.message.length > 10_000 && error.message.length < 20_000)
      const cause = error.cause as NodeJS.ErrnoException & { number: number }
      assert.ok(cause instanceof RangeError && cause.cause instanceof TypeError)
      assert.deepEqual([cause.code, cause.number], ['E_LARGE', 7])
      return true
    })
  })

  it('1,000 errors within an AggregateError arrive; of more, the number of the rest', async () => {
    const errorsOf = async (count: number): Promise<unknown[]> => {
      const code = `throw new AggregateError(Array.from({ length: ${count} }, (_, i) => new Error('e' + i)), 'many')`
      const error = (await ForkProcess.create()
        .eval(code)
        .ready()
        .catch((reason: unknown) => reason)) as Error
      return (error.cause as AggregateError).errors as unknown[]
    }
    const all = await errorsOf(1000)
    assert.equal(all.length, 1000)
    assert.ok(all.every(one => one instanceof Error))
    const most = await errorsOf(2000)
    assert.equal(most.length, 1000)
    assert.equal(most.at(-1), '1001 more errors')
  })

  it('an AggregateError of another realm arrives with its errors', async () => {
    const child = ForkProcess.create().eval(async () => {
      const { runInNewContext } = await import('node:vm')
      throw runInNewContext('new AggregateError([new TypeError("inner")], "outer")')
    })
    const error = (await child.ready().catch((reason: unknown) => reason)) as Error
    const { errors } = error.cause as AggregateError
    assert.ok(errors[0] instanceof TypeError)
  })

  it('a descriptor that the kernel cannot pass throws EINVAL; in a queued order it rejects that order and all later ones, and ends the process', async function () {
    const program = new URL('./fixtures/unpassable-descriptor.js', import.meta.url)
    const stdout = await outputOf(program, [], { env: { UV_USE_IO_URING: '1' } })
    if (stdout === 'none\n') return this.skip()
    assert.equal(stdout, 'done\n')
  })

  it('forking a template with foreign threads rejects with ERR_FOREIGN_THREADS, which names them; the template survives', async function () {
    if (areAllThreadsCopied) return this.skip() // they are copied
    const template = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
      const { Worker } = await import('node:worker_threads')
      const thread = new Worker('setInterval(() => {}, 1000)', { eval: true })
      await new Promise(resolve => thread.once('online', resolve))
      Object.assign(globalThis, { thread })
    })
    await assert.rejects(template.fork().ready(), { code: 'ERR_FOREIGN_THREADS', message: /thread \d+/ })
    template.eval(() => (globalThis as unknown as { thread: { terminate(): unknown } }).thread.terminate())
    const child = template.fork()
    await child.ready()
    await child.close()
    await template.close()
  })

  it('a fork waits for a thread that runs, and is about to end', async function () {
    if (areAllThreadsCopied) return this.skip() // it is copied
    const template = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
      const { Worker } = await import('node:worker_threads')
      const thread = new Worker('const end = Date.now() + 300; while (Date.now() < end);', { eval: true })
      await new Promise(resolve => thread.once('online', resolve))
    })
    const child = template.fork()
    await child.ready()
    assert.equal(child.mode, 'fork')
    await child.close()
    await template.close()
  })

  it('new Worker() in a forked process throws ERR_WORKER_UNSUPPORTED', async function () {
    if (areAllThreadsCopied) return this.skip() // it works
    const template = ForkProcess.exec({ mode: 'fork' })
    const child = template.fork().eval(async () => {
      const { Worker } = await import('node:worker_threads')
      new Worker('', { eval: true })
    })
    await assert.rejects(child.ready(), (error: Error) => {
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ERR_WORKER_UNSUPPORTED')
      return true
    })
    await template.close()
  })

  it('pending orders of a killed process reject with ERR_PROCESS_EXITED and the signal', async () => {
    const template = ForkProcess.exec()
    const child = template.fork().eval(() => new Promise(() => setTimeout(() => {}, 1e6)))
    const asked = [child.ready(), child.run('f'), child.exited.then(() => child.kill())]
    const rejected = asked
      .slice(0, 2)
      .map(promise => assert.rejects(promise, { code: 'ERR_PROCESS_EXITED', exitCode: null, signal: 'SIGKILL' }))
    assert.equal(child.pid, undefined)
    assert.equal(child.kill('SIGKILL'), true) // sent once the process exists
    assert.equal(child.kill(0), true)
    assert.equal(child.kill('SIGTERM'), true)
    await Promise.all(rejected)
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' })
    assert.equal(await asked[2], false)
    await template.close()
  })

  it('forks of a killed template reject with ERR_PROCESS_EXITED', async () => {
    const template = ForkProcess.exec()
    await template.ready()
    template.kill('SIGKILL')
    const child = template.fork()
    await assert.rejects(child.ready(), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
    assert.deepEqual(await child.exited, { code: null, signal: null })
    await assert.rejects(template.fork().run(worker, 'hold'), { code: 'ERR_PROCESS_EXITED' })
  })

  for (const [what, text] of [
    ['an invalid report', Buffer.from([8, 0, 0, 0, 65, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])],
    [
      'an exit report for an invalid process number',
      Buffer.from([3, 0, 0, 0, 68, 0, 0, 0, 1, 0, 0, 0, 0xff, 0x0f, 0x30]),
    ],
  ] as const) {
    it(`a process that writes ${what} to its control socket is killed, and rejects with ERR_PROTOCOL`, async () => {
      const process = ForkProcess.create().sendArg(text.toString('latin1'))
      const socket = await process.run(new URL('./fixtures/writes-to-all-sockets.js', import.meta.url), 'scribble')
      assert.deepEqual(await process.exited, { code: null, signal: 'SIGKILL' })
      await assert.rejects(process.inspect(), { code: 'ERR_PROTOCOL' })
      socket.close()
    })
  }

  it('a missing interpreter rejects with ENOENT', async () => {
    const absent = ForkProcess.exec({ execPath: '/no/such/node' })
    await assert.rejects(absent.ready(), { code: 'ENOENT' })
    assert.deepEqual(await absent.exited, { code: null, signal: null })
  })
})

function identity(error: unknown): unknown {
  return error
}
