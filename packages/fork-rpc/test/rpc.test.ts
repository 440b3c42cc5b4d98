import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { socketpair } from '@anyfork/fdpass'
import {
  type CallOptions,
  ForkProcess,
  type ProcessExitedError,
  preload,
  type Rpc,
  type RpcOptions,
  run,
} from '@anyfork/fork-rpc'
import { after, afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('run', () => {
  let template: ForkProcess
  let rpc: Rpc | undefined
  let openBefore: number

  const start = (name: string, options?: RpcOptions): Rpc => (rpc = run(template.fork(), worker, name, options))

  before(async () => {
    template = preload(ForkProcess.exec()).require(worker)
    await Promise.all([template.ready(), ForkProcess.startTemplate().ready()])
    await run(template.fork(), worker, 'nothing').close()
    openBefore = readdirSync('/proc/self/fd').length
  })
  afterEach(async () => {
    await rpc?.destroy()
    rpc = undefined
    assert.equal(readdirSync('/proc/self/fd').length, openBefore)
  })
  after(() => template.close())

  it('is prepared by preload(), which leaves a template as it was but for what it has loaded', async () => {
    await using plain = ForkProcess.exec()
    await plain.ready()
    const [prepared, other] = await Promise.all([template.check(), plain.check()])
    for (const what of ['findings', 'threads', 'resources', 'descriptors'] as const) {
      const [ours, theirs] = [prepared[what], other[what]].map(found => (Array.isArray(found) ? found.length : found))
      assert.deepEqual(ours, theirs, what)
    }
    const early = template
      .fork()
      .eval(
        async (module: string) => ((await import(module)) as { event(): void }).event(),
        import.meta.resolve('@anyfork/fork-rpc/child'),
      )
    await assert.rejects(early.ready(), /event\(\) works in a process that serves calls/)
  })

  it('is prepared in the default template: its forks load nothing, not even where they have no descriptor left for a file', async () => {
    const process = ForkProcess.create()
      .restrict({ rlimits: { nofile: 64 } })
      .eval(async () => {
        Object.assign(globalThis, { double: (n: number) => 2 * n })
        const { closeSync, openSync } = await import('node:fs')
        let last = -1
        try {
          for (;;) last = openSync('/dev/null', 'r')
        } catch {}
        closeSync(last) // for the socket
      })
    rpc = run(process, 'double')
    assert.equal(await rpc(21), 42)
  })

  it('gives a function that returns promises', async () => {
    const add = start('add')
    assert.equal(await add(1, 2), 3)
    assert.deepEqual(await Promise.all([add(1, 1), add(2, 2), add('a', 'b')]), [2, 4, 'ab'])
  })

  it('answers in order, many calls at once', async () => {
    const add = start('add')
    const sums = await Promise.all(Array.from({ length: 10_000 }, (_, i) => add(i, 1)))
    assert.deepEqual(
      sums,
      Array.from({ length: 10_000 }, (_, i) => i + 1),
    )
  })

  it('waits for a promise that the function returns', async () => {
    const later = start('later')
    assert.deepEqual(await Promise.all([later('a'), later('b')]), ['a', 'b'])
  })

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

  it('rejects with what the function threw: class, name, message, stack, code, properties, cause', async () => {
    const error = (await start('fail')().catch((reason: unknown) => reason)) as Error & {
      code: string
      detail: unknown
    }
    assert.ok(error instanceof TypeError)
    assert.equal(error.name, 'OwnError')
    assert.equal(error.message, 'failed on purpose')
    assert.match(error.stack!, /at fail .*worker\.js/)
    assert.equal(error.code, 'ERR_OWN')
    assert.deepEqual(error.detail, { deep: [1, 2] })
    assert.ok(error.cause instanceof RangeError)
  })

  it('rejects with what a promise was rejected with', async () => {
    await assert.rejects(start('failLater')(), { name: 'SyntaxError', message: 'failed later' })
  })

  it('rejects with an error also when none was thrown', async () => {
    await assert.rejects(start('failPlainly')(), { message: 'thrown: no error at all', cause: 'no error at all' })
  })

  it('rejects with an error whose properties cannot be read', async () => {
    await assert.rejects(start('failOddly')(), { name: 'AggregateError', message: 'odd ones' })
  })

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
    await rpc!.destroy()
    const unsendable = start('unsendable')
    await assert.rejects(unsendable(), TypeError)
    await assert.rejects(unsendable(), TypeError)
  })

  it('rejects everything outstanding when the process exits, with its code', async () => {
    const exit = start('exit')
    const calls = [exit(7), exit(8), exit(9)]
    for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: 7, signal: null })
    await assert.rejects(exit(1), { code: 'ERR_PROCESS_EXITED' })
  })

  it('rejects everything outstanding when the process is killed, with the signal', async () => {
    const block = start('block')
    await block.ready()
    const calls = [block(10_000), block(10_000)]
    process.kill(block.pid!, 'SIGKILL')
    for (const call of calls)
      await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: null, signal: 'SIGKILL' })
    assert.deepEqual(await block.ended, { code: null, signal: 'SIGKILL' })
  })

  it('tells of the death of an idle process', async () => {
    const told: unknown[] = []
    const add = start('add', { onError: error => told.push((error as ProcessExitedError).signal) })
    assert.equal(await add(1, 2), 3)
    process.kill(add.pid!, 'SIGTERM')
    assert.deepEqual(await add.ended, { code: null, signal: 'SIGTERM' })
    assert.deepEqual(told, ['SIGTERM'])
    await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGTERM' })
  })

  it('tells that the process is gone before anybody has told how it ended', async () => {
    const pid = (await start('pid', { onError: () => {} })()) as number
    assert.ok(rpc!.isAlive)
    process.kill(template.pid!, 'SIGSTOP') // whose child it is
    try {
      process.kill(pid, 'SIGKILL')
      for (const until = performance.now() + 5000; rpc!.isAlive && performance.now() < until; ) await setTimeout(1)
      await setTimeout(20) // the end of its socket has been seen by now
      assert.equal(rpc!.isAlive, false)
    } finally {
      process.kill(template.pid!, 'SIGCONT')
    }
    assert.deepEqual(await rpc!.ended, { code: null, signal: 'SIGKILL' })
  })

  it('rejects every call when the module or the function is missing', async () => {
    const absent = start('absent')
    for (const call of [absent(), absent()])
      await assert.rejects(call, { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
    await rpc!.ended
    rpc = run(template.fork(), '/no/such.js', 'f')
    await assert.rejects(rpc.ready(), { code: 'ERR_MODULE_NOT_FOUND' })
    await assert.rejects(rpc(), { code: 'ERR_MODULE_NOT_FOUND' })
  })

  it('delivers events in order with the results', async () => {
    const seen: unknown[] = []
    const progress = start('progress', { onEvent: (...values) => seen.push(values) })
    const results = [progress(2), progress(1)].map(result => result.then(value => seen.push(value)))
    await Promise.all(results)
    assert.deepEqual(seen, [['step', 1], ['step', 2], 'done', ['step', 1], 'done'])
  })

  it('gives what was done before the end, when a later call ends the process', async () => {
    for (const async of [false, true]) {
      const exit = start('exitOrSame', { async })
      const [first, second] = await Promise.allSettled([exit('a'), exit('exit')])
      assert.deepEqual(first, { status: 'fulfilled', value: 'a' })
      assert.equal((second as PromiseRejectedResult).reason.exitCode, 4)
      await exit.ended
    }
  })

  it('gives a result before the next call begins', async () => {
    const path = join(tmpdir(), `anyfork-${process.pid}-answered`)
    const awaitFile = start('awaitFile')
    const [, second, third] = [awaitFile(''), awaitFile(''), awaitFile(path)]
    await second
    writeFileSync(path, '')
    assert.equal(await third, true)
    rmSync(path)
  })

  it('finishes the calls so far when closed, then refuses more', async () => {
    const add = start('add')
    const calls = [add(1, 2), add(3, 4)]
    await Promise.all([add.close(), add.close()])
    assert.deepEqual(await Promise.all(calls), [3, 7])
    assert.deepEqual(await add.ended, { code: 0, signal: null })
    await assert.rejects(add(1, 2), { code: 'ERR_RPC_CLOSED' })
  })

  it('ends at once when destroyed, even before it has started', async () => {
    const block = start('block')
    const call = block(60_000)
    await Promise.all([block.destroy(), assert.rejects(call, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })])
  })

  it('throws a TypeError at the call for what makes no sense', async () => {
    const unused = template.fork()
    assert.throws(() => run(unused, './worker.js', 'add'), TypeError)
    assert.throws(() => run(unused, worker, ''), TypeError)
    assert.throws(() => run({} as ForkProcess, worker, 'add'), {
      name: 'TypeError',
      message: /^expected a ForkProcess/,
    })
    const misuses: [unknown, RegExp][] = [
      [5, /options of a connection are an object, not 5/],
      [{ asink: true }, /no option asink/],
      [{ serialiser: 'xml' }, /serialiser xml/],
      [{ spin: 0.5 }, /spin is/],
      [{ async: 'yes' }, /async is true or false, not yes/],
      [{ init: 5 }, /init is the name of a function, not 5/],
      [{ done: '' }, /done is the name/],
      [{ done: { module: worker } }, /done.name is the name of a function, not undefined/],
      [{ highWaterMark: 5 }, /highWaterMark are an object, not 5/],
      [{ highWaterMark: { calls: 0 } }, /highWaterMark.calls is a positive number, not 0/],
      [{ highWaterMark: { byte: 5 } }, /highWaterMark has no option byte/],
      [{ onEvent: 5 }, /onEvent is a function, not 5/],
      [{ onError: 'log' }, /onError is a function/],
      [{ onDestroy: null }, /onDestroy is a function/],
    ]
    for (const [options, message] of misuses)
      assert.throws(() => run(unused, worker, 'add', options as RpcOptions), { name: 'TypeError', message })
    await unused.close()
    const add = start('add')
    for (const [options, message] of [
      [undefined, /options of a call are an object, not undefined/],
      [100, /options of a call are an object, not 100/],
      [{ timout: 3 }, /no option timout/],
      [{ timeout: -1 }, /timeout is/],
      [{ signal: {} }, /signal is/],
      [{ killOnAbort: 'yes' }, /killOnAbort is true or false, not yes/],
      [{ untilOver: 1 }, /untilOver is true or false, not 1/],
    ] as [unknown, RegExp][]) {
      assert.throws(() => add.with(options as CallOptions), { name: 'TypeError', message })
    }
  })
})

describe('a program that uses run', () => {
  it('ends when no call is outstanding', async () => {
    const program = `
      import { ForkProcess, run } from '@anyfork/fork-rpc'
      const add = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'add')
      console.log(await add(1, 2))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, '3\n')
  })

  for (const async of [false, true]) {
    it(`goes on where its working directory was removed, with async: ${async}; only names are looked up from there`, async () => {
      const program = fileURLToPath(new URL('./fixtures/removed-folder.js', import.meta.url))
      const { stdout } = await promisify(execFile)(process.execPath, [program, String(async)], { timeout: 10_000 })
      assert.equal(stdout, 'done\n')
    })
  }
})
