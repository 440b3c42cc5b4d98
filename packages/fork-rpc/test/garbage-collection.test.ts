import assert from 'node:assert/strict'
import { type Rpc, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { collectUntil, untilCollected } from './support/garbage.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('garbage collection', () => {
  const { fork } = useConnections()

  it('an unreferenced connection finishes its calls and closes', async () => {
    const begin = (): { ended: Promise<unknown>; call: PromiseLike<unknown> } => {
      const later = run(fork(), worker, 'later')
      return { ended: later.ended, call: later('the last') }
    }
    const { ended, call } = begin()
    assert.deepEqual(await collectUntil(ended), { code: 0, signal: null })
    assert.equal(await call, 'the last')
  })

  it('an ended connection is collected even if its event listener refers to it', async () => {
    const make = async (): Promise<WeakRef<object>> => {
      const first: Rpc = run(fork(), worker, 'first', { onEvent: () => void first.pid })
      assert.equal(await first('value'), 'value')
      await first.close()
      return new WeakRef(first)
    }
    await untilCollected(await make(), await make(), await make())
  })
})
