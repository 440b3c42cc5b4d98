import assert from 'node:assert/strict'
import { run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const owner = new URL('./fixtures/owner.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('connections and fork()', () => {
  const { fork, track } = useConnections()

  it('a fork of a process with a connection cannot use it: ERR_RPC_CLOSED; the original can', async () => {
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
    const callInCopy = track(run(copy, owner, 'callOrCode', { async: true }))
    assert.equal(await callInCopy(), 'ERR_RPC_CLOSED')
    const callInOriginal = track(run(original, owner, 'callOrCode', { async: true }))
    assert.equal(await callInOriginal(), 7)
    await callInCopy.close()
    assert.equal(await callInOriginal(), 7)
  })

  it('a fork of a process that serves calls asynchronously can be forked; the original serves on', async () => {
    const original = fork()
    const first = track(run(original, worker, 'first', { async: true }))
    assert.equal(await first('value'), 'value')
    const copy = original.refork()
    await copy.ready()
    const again = track(run(copy.fork(), worker, 'first'))
    assert.equal(await again('again'), 'again')
    assert.equal(await first('value'), 'value')
    await Promise.all([again.close(), copy.close()])
  })
})
