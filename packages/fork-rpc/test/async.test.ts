import assert from 'node:assert/strict'
import { pipe, write } from '@anyfork/fdpass'
import { ForkProcess, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

let template: ForkProcess
let rpc: Rpc | undefined
const start = (name: string, options?: RpcOptions): Rpc => (rpc = run(template.fork(), worker, name, options))

before(async () => {
  template = preload(ForkProcess.exec()).require(worker)
  await template.ready()
})
afterEach(() => rpc?.destroy())
after(() => template.close())

describe('the asynchronous backend', () => {
  it('starts calls as they come, and answers in any order', async () => {
    const later = start('after', { async: true })
    const order: unknown[] = []
    await Promise.all([60, 30, 1].map(async ms => order.push(await later(ms, ms))))
    assert.deepEqual(order, [1, 30, 60])
  })

  it('carries many calls at once', async () => {
    const add = start('add', { async: true })
    const sums = await Promise.all(Array.from({ length: 20_000 }, (_, i) => add(i, 1)))
    assert.deepEqual(
      sums,
      Array.from({ length: 20_000 }, (_, i) => i + 1),
    )
  })

  it('carries large values both ways at once', async () => {
    const same = start('same', { async: true })
    const big = Buffer.alloc(4 << 20, 'anyfork')
    const backs = (await Promise.all([same(big), same(big), same(big)])) as [Buffer][]
    for (const [back] of backs) assert.ok(big.equals(back))
  })

  it('rejects only the call whose function throws or rejects', async () => {
    const failing = start('failLater', { async: true })
    await Promise.all([failing(), failing()].map(call => assert.rejects(call, { name: 'SyntaxError' })))
    await rpc!.destroy()
    const throwing = start('fail', { async: true })
    await assert.rejects(throwing(), { name: 'OwnError' })
  })

  it('lets a function end with done()', async () => {
    const upper = start('withCallback', { async: true })
    assert.deepEqual(await Promise.all([upper('a'), upper('b')]), ['A', 'B'])
    await assert.rejects(upper('bad'), RangeError)
  })

  for (const async of [false, true]) {
    it(`lets an async function end with done(), or with what it throws before; async: ${async}`, async () => {
      const upper = start('withAsyncCallback', { async })
      await assert.rejects(upper('bad'), { name: 'RangeError', message: 'a bad value' })
      assert.equal(await upper('a'), 'A')
      assert.equal(await upper('b'), 'B')
    })
  }

  it('rejects everything outstanding when the process ends, with its code', async () => {
    const exit = start('exitWith', { async: true, onError: () => {} })
    const never = start('after', { async: true })
    rpc = undefined
    await exit().then(() => exit.ended)
    assert.deepEqual(await exit.ended, { code: 12, signal: null })
    const outstanding = never(60_000)
    await never.ready()
    process.kill(never.pid!, 'SIGKILL')
    await assert.rejects(outstanding, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
  })

  it('finishes all calls when closed', async () => {
    const later = start('after', { async: true })
    const calls = [10, 5, 1].map(ms => later(ms, ms))
    await later.close()
    assert.deepEqual(await Promise.all(calls), [10, 5, 1])
    assert.deepEqual(await later.ended, { code: 0, signal: null })
  })
})

for (const async of [false, true]) {
  describe(`run with async: ${async}`, () => {
    it('calls init first, with what was sent to the process', async () => {
      const [readEnd, writeEnd] = pipe()
      write(writeEnd, Buffer.from(' and more'))
      writeEnd.close()
      const process = template.fork().sendArg('text').sendFd(readEnd)
      readEnd.close()
      rpc = run(process, worker, 'initialised', { async, init: 'initialise' })
      assert.equal(await rpc(), 'text and more')
    })

    it('rejects when init throws, or is missing', async () => {
      await assert.rejects(start('add', { async, init: 'fail' })(1, 2), { name: 'OwnError' })
      await assert.rejects(start('add', { async, init: 'absent' })(1, 2), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(start('add', { async, init: 'eventTooEarly' })(1, 2), /event/)
    })

    it('calls done at the end, instead of ending the process', async () => {
      const add = start('add', { async, done: 'exitWith' })
      assert.equal(await add(1, 2), 3)
      await add.close()
      assert.deepEqual(await add.ended, { code: 12, signal: null })
    })

    it('calls done of another module at the end', async () => {
      const basename = run(ForkProcess.create(), 'node:path', 'basename', {
        async,
        done: { module: worker, name: 'exitWith' },
      })
      assert.equal(await basename('/a/b'), 'b')
      await basename.close()
      assert.deepEqual(await basename.ended, { code: 12, signal: null })
    })

    it('tells onDestroy of an end that was asked for, and onError of any other, once', async () => {
      const told: string[] = []
      const handlers = { async, onError: () => told.push('error'), onDestroy: () => told.push('destroy') }
      await start('add', handlers).close()
      await start('add', handlers).destroy()
      const killed = start('add', handlers)
      await killed.ready()
      process.kill(killed.pid!, 'SIGKILL')
      await killed.ended
      await start('absent', handlers).ended
      assert.deepEqual(told, ['destroy', 'destroy', 'error', 'error'])
    })

    it('tells onEvent of an error where there is no onError', async () => {
      const told: unknown[] = []
      const add = start('add', {
        async,
        onEvent: (...values) => told.push(values[0], (values[1] as NodeJS.ErrnoException).code),
      })
      await add.ready()
      process.kill(add.pid!, 'SIGKILL')
      await add.ended
      assert.deepEqual(told, ['error', 'ERR_PROCESS_EXITED'])
    })

    it('delivers events in order with the results', async () => {
      const seen: unknown[] = []
      const ticking = start('ticking', { async, onEvent: (...values) => seen.push(values) })
      seen.push(await ticking())
      assert.deepEqual(seen, [['tick', 1], ['tick', 2], ['tick', 3], ['tick', 4], 'done'])
    })

    it('04_flush: an event before the end arrives before the error', async () => {
      const seen: unknown[] = []
      const leaving = start('eventThenExit', {
        async,
        onEvent: (...values) => seen.push(values),
        onError: () => seen.push('error'),
      })
      await assert.rejects(leaving(), { exitCode: 2 })
      await leaving.ended
      assert.deepEqual(seen, [['last words'], 'error'])
    })
  })
}
