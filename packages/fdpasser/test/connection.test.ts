import assert from 'node:assert/strict'
import { isNonblocking, pipe } from '@anyfork/fdpass'
import { accept, connect, type Descriptor, server, socketpair } from '@anyfork/fdpasser'
import { afterEach, beforeEach, describe, it } from 'mocha'

const path = `\0anyfork-accept-${process.pid}`

describe('accept()', () => {
  let listener: Descriptor

  beforeEach(() => void (listener = server(path)))
  afterEach(() => listener[Symbol.dispose]())

  it('rejects with EBADF when the listener is closed, in the same turn or in a later one', async () => {
    const accepting = accept(listener)
    listener.close()
    await assert.rejects(accepting, { code: 'EBADF' })
    listener = server(path)
    const later = accept(listener)
    await new Promise(setImmediate)
    listener.close()
    await assert.rejects(later, { code: 'EBADF' })
    await assert.rejects(accept(listener), { code: 'EBADF' })
  })

  it('rejects with the error of the kernel if the descriptor does not listen, and leaves it blocking', async () => {
    const [one, other] = socketpair()
    const [readEnd, writeEnd] = pipe()
    await assert.rejects(accept(one), { code: 'EINVAL' })
    await assert.rejects(accept(readEnd), { code: 'ENOTSOCK' })
    for (const descriptor of [one, other, readEnd, writeEnd]) {
      assert.equal(isNonblocking(descriptor), false)
      descriptor.close()
    }
  })

  it('rejects with an AbortError when its signal aborts, and leaves the listener to the next accept()', async () => {
    const controller = new AbortController()
    const accepting = accept(listener, { signal: controller.signal })
    await new Promise(setImmediate)
    controller.abort()
    await assert.rejects(accepting, { name: 'AbortError' })
    await assert.rejects(accept(listener, { signal: controller.signal }), { name: 'AbortError' })
    const client = await connect(path)
    const accepted = await accept(listener)
    accepted.close()
    client.close()
  })
})

describe('server()', () => {
  it('throws a TypeError for an invalid backlog', () => {
    for (const backlog of [-1, NaN, 1.5, 2 ** 31]) assert.throws(() => server(path, backlog), TypeError)
    for (const backlog of ['x', null, {}] as unknown as number[])
      assert.throws(() => server(path, backlog), { name: 'TypeError', message: /backlog/ })
  })
})
