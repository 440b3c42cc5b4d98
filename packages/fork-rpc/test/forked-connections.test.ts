import assert from 'node:assert/strict'
import { run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const owner = new URL('./fixtures/owner.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('a process that is forked from one with a connection', () => {
  const { fork, track } = useConnections()

  it('lets go of it, and the original goes on', async () => {
    const original = fork()
      .require(owner)
      .eval(
        async (owner, worker) => {
          const { connectFirst } = (await import(owner)) as typeof import('./fixtures/owner.js')
          await connectFirst(worker)
        },
        owner.href,
        worker.href,
      )
    const copy = original.fork()
    const tryIt = track(run(copy, owner, 'tryInFork', { async: true }))
    assert.equal(await tryIt(), 'ERR_RPC_CLOSED')
    const again = track(run(original, owner, 'callAgain', { async: true }))
    assert.equal(await again(), 7)
    await tryIt.close()
    assert.equal(await again(), 7)
  })
})

describe('a copy of a process that serves calls', () => {
  const { fork, track } = useConnections()

  it('on its event loop waits for orders, and the original goes on', async () => {
    const process = fork()
    const first = track(run(process, worker, 'first', { async: true }))
    assert.equal(await first('value'), 'value')
    const copy = process.refork()
    await copy.ready()
    const again = track(run(copy.fork(), worker, 'first'))
    assert.equal(await again('again'), 'again')
    assert.equal(await first('value'), 'value')
    await Promise.all([again.close(), copy.close()])
  })
})
