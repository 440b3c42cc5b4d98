import assert from 'node:assert/strict'
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
