import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { ForkPool, PoolOptions } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools } from './support/pools.js'

describe('maxQueue in bytes', () => {
  const start = usePools()
  const pathOf = useFolder()

  /** Makes a pool whose only worker is busy until `go` is called. */
  async function startBusy(
    options: PoolOptions,
  ): Promise<{ wait: ForkPool; call(value: unknown): Promise<unknown>; go(): Promise<unknown> }> {
    const wait = start('waitForFile', { max: 1, ...options })
    const file = pathOf('go')
    const first = wait(file, 'first')
    await until(() => wait.workers[0]?.load === 1)
    return {
      wait,
      call: value => wait('/', value),
      go: () => {
        writeFileSync(file, '')
        return first
      },
    }
  }

  it('a call whose arguments would exceed the limit rejects with ERR_POOL_QUEUE_FULL', async () => {
    const { wait, call, go } = await startBusy({ maxQueue: { bytes: 5000 } })
    const accepted = [call('a'.repeat(2000)), call('b'.repeat(2000))]
    assert.equal((await reasonOf(call('c'.repeat(2000))))?.code, 'ERR_POOL_QUEUE_FULL')
    const small = call('d')
    await go()
    assert.deepEqual(await Promise.all([...accepted, small]), ['a'.repeat(2000), 'b'.repeat(2000), 'd'])
    assert.equal((await wait.stats()).calls.waitingBytes, 0)
    assert.equal(await call('again'), 'again')
  })

  it('a call that is larger than the limit may wait alone', async () => {
    const { wait, call, go } = await startBusy({ maxQueue: { bytes: 1000 } })
    const large = call('x'.repeat(5000))
    assert.equal((await reasonOf(call('y')))?.code, 'ERR_POOL_QUEUE_FULL')
    const drained = wait.drained()
    await go()
    await drained
    assert.equal(await large, 'x'.repeat(5000))
  })

  it('a call for which a worker has a free slot, or a new worker can be started, is accepted whatever its size', async () => {
    const echo = start('echo', { max: 2, maxQueue: { bytes: 1 } })
    const values = ['x'.repeat(5000), 'y'.repeat(5000)]
    assert.deepEqual(await Promise.all(values.map(value => echo(value))), values)
    assert.equal(await echo(values[0]), values[0])
  })

  it('large buffers count, although they are not copied', async () => {
    const { wait, call, go } = await startBusy({ maxQueue: { bytes: 1 << 20 } })
    const buffer = Buffer.alloc(1 << 20, 1)
    const large = call({ nested: buffer })
    const { waitingBytes } = (await wait.stats()).calls
    assert.ok(waitingBytes > 1 << 20 && waitingBytes < (1 << 20) + 100, `${waitingBytes}`)
    assert.equal((await reasonOf(call('y')))?.code, 'ERR_POOL_QUEUE_FULL')
    await go()
    assert.deepEqual(await large, { nested: buffer })
  })

  it('calls and bytes are limited together', async () => {
    const { call, go } = await startBusy({ maxQueue: { calls: 1, bytes: 1000 } })
    const waiting = call('a')
    assert.equal((await reasonOf(call('b')))?.code, 'ERR_POOL_QUEUE_FULL')
    await go()
    assert.equal(await waiting, 'a')
  })

  it('waitingBytes no longer counts calls that were aborted, rejected, or begun, and counts a repeated one again', async () => {
    const act = start('doAs', { max: 1, retries: 1 })
    const waitingBytes = async (): Promise<number> => (await act.stats()).calls.waitingBytes
    const abort = new AbortController()
    const calls = [
      act.with({ retries: 3 })('exit'),
      act('a'),
      act.with({ signal: abort.signal })('b'.repeat(1000)),
    ].map(reasonOf)
    assert.ok((await waitingBytes()) > 1000)
    abort.abort()
    const most = await waitingBytes()
    assert.ok(most > 0 && most < 100, `${most}`)
    await Promise.all(calls)
    assert.equal(await waitingBytes(), 0)
    const last = [act('stop'), act('c')].map(reasonOf)
    await until(() => act.workers[0]?.load === 1)
    assert.ok((await waitingBytes()) > 0)
    await act.destroy()
    await Promise.all(last)
    assert.equal(await waitingBytes(), 0)
  })
})
