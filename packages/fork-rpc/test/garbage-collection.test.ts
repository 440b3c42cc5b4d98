import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { type Rpc, run } from '@anyfork/fork-rpc'
import { collectGarbage as collect } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('garbage collection', () => {
  const { fork } = useConnections()

  it('an unreferenced connection finishes its calls and closes', async function () {
    this.timeout(20_000)
    const begin = (): { ended: Promise<unknown>; call: PromiseLike<unknown> } => {
      const after = run(fork(), worker, 'after')
      return { ended: after.ended, call: after(10, 'the last') }
    }
    const { ended, call } = begin()
    const ending = ended.then(status => ({ status }))
    let outcome: unknown
    while (!(outcome = await Promise.race([ending, setTimeout(10)]))) await collect()
    assert.deepEqual(outcome, { status: { code: 0, signal: null } })
    assert.equal(await call, 'the last')
  })

  it('an ended connection is collected even if its event listener refers to it', async () => {
    const make = async (): Promise<WeakRef<object>> => {
      const first: Rpc = run(fork(), worker, 'first', { onEvent: () => void first.pid })
      assert.equal(await first('value'), 'value')
      await first.close()
      return new WeakRef(first)
    }
    const made = [await make(), await make(), await make()]
    for (let i = 0; i < 50 && made.some(ref => ref.deref()); i++) await collect()
    assert.equal(made.filter(ref => ref.deref()).length, 0)
  })
})
