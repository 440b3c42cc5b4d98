import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

describe('the cause of a failure', () => {
  const start = usePools()
  const silent = (): ForkProcess => ForkProcess.exec({ stdio: ['ignore', 'ignore', 'ignore'] })

  for (const async of [false, true])
    for (const how of ['rejection', 'throw'])
      it(`a call has the error that has ended its ${async ? 'async ' : ''}worker as its cause: ${how}`, async () => {
        const { code, cause } = (await reasonOf(start('endBy', { max: 1, async }, silent)(how)))!
        assert.equal(code, 'ERR_PROCESS_EXITED')
        assert.ok(cause instanceof RangeError)
        assert.equal(cause.message, 'the real reason')
      })

  it('a call whose promise never settles rejects with a message that reports it', async () => {
    const endBy = start('endBy', { max: 1 })
    await assert.rejects(endBy('never'), {
      code: 'ERR_PROCESS_EXITED',
      message: /promise of a function, .* never settle/,
    })
  })

  it('onError gets the error that has ended an idle worker as the cause', async () => {
    const errors: Error[] = []
    const endBy = start('endBy', { max: 1, async: true, onError: error => errors.push(error) }, silent)
    await endBy('throw later')
    await until(() => errors.length > 0)
    assert.equal((errors[0]!.cause as Error).message, 'the real reason')
  })
})

describe('the stack of an error of a pool', () => {
  const start = usePools()
  const CALLER = /at async theCaller .*causes\.test\.js/

  async function stackOf(call: () => Promise<unknown>): Promise<string> {
    async function theCaller(): Promise<unknown> {
      return await call()
    }
    return (await reasonOf(theCaller()))!.stack!
  }

  it('continues with the stack of the caller if the function throws', async () => {
    const act = start('doAs', { max: 1 })
    const stack = await stackOf(() => act('throw'))
    assert.match(stack, /^RangeError: thrown[^]*fixtures.worker\.js[^]*called from another process/)
    assert.match(stack, CALLER)
  })

  it('continues with the stack of the caller after a timeout or the death of a worker', async () => {
    const act = start('doAs', { max: 1 })
    for (const what of ['exit', 'loop']) {
      const stack = await stackOf(() => act.with({ timeout: 50 })(what))
      assert.match(stack, CALLER)
      assert.doesNotMatch(stack, /another process/)
    }
  })

  it('continues with the stack of each caller if several calls reject for one reason', async () => {
    const act = start('doAs', { max: 1, load: 3, async: true })
    const stacks = await Promise.all(
      ['wait', 'wait', 'exit'].map((what, i) => stackOf(() => act(what, i < 2 ? 1e6 : 1))),
    )
    for (const stack of stacks) assert.equal(stack.match(new RegExp(CALLER, 'g'))?.length ?? 0, 1)
  })

  it('has the caller after close()', async () => {
    const act = start('doAs', { max: 1 })
    await act.close()
    const theCaller = (): Promise<unknown> => act('a')
    assert.match((await reasonOf(theCaller()))!.stack!, /at theCaller /)
  })

  it('is that of the reason alone after an abort', async () => {
    const act = start('doAs', { max: 1 })
    const reason = new Error('enough')
    const { stack } = reason
    assert.equal(await reasonOf(act.with({ signal: AbortSignal.abort(reason) })('a')), reason)
    const controller = new AbortController()
    const call = act.with({ signal: controller.signal })('loop')
    controller.abort(reason)
    assert.equal(await reasonOf(call), reason)
    assert.equal(reason.stack, stack)
  })
})
