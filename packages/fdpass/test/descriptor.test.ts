import assert from 'node:assert/strict'
import { closeSync, fstatSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Descriptor, dup, read, send, socketpair } from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('Descriptor', () => {
  const sockets = useSocketPair()

  it('never closes a file that has reused its number, even while numbers are reused all the time', async () => {
    let isOver = false
    const reuse = async (): Promise<void> => {
      while (!isOver) {
        const file = await open('/dev/null')
        assert.ok((await file.stat()).isCharacterDevice()) // fails with EBADF if the Descriptor has closed this file
        await file.close()
      }
    }
    const reusing = Promise.all([reuse(), reuse(), reuse()])
    for (let i = 0; i < 3000; i++) {
      const descriptor = dup(0)
      descriptor.close()
      assert.throws(() => descriptor.close(), { code: 'EBADF' })
      if (i % 10 === 0) await new Promise(setImmediate)
    }
    isOver = true
    await reusing
  })

  it('throws EBADF after close() and release(), and leaves another descriptor with the same number open', () => {
    const { left } = sockets
    const first = dup(0)
    const number = first.fd
    first.close()
    const second = dup(0)
    assert.equal(second.fd, number)
    for (const use of [
      () => first.close(),
      () => first.fd,
      () => first.release(),
      () => send(left, first),
      () => read(first, Buffer.alloc(1)),
    ]) {
      assert.throws(use, { code: 'EBADF' })
    }
    assert.ok(fstatSync(number))
    const released = second.release()
    assert.throws(() => second.close(), { code: 'EBADF' })
    second[Symbol.dispose]()
    assert.ok(fstatSync(released))
    closeSync(released)
  })

  it('throws EBADF on a second close(), and in send() after close()', () => {
    const [left, right] = socketpair()
    left.close()
    assert.throws(() => left.close(), { code: 'EBADF' })
    assert.throws(() => send(left, right), { code: 'EBADF' })
    right.close()
  })

  it('throws a TypeError if constructed from a value that is not a valid descriptor number', () => {
    const [left, right] = socketpair()
    for (const number of [-1, 1.5, NaN, 2 ** 31, 2 ** 32 + left.fd, '3' as unknown as number])
      assert.throws(() => new Descriptor(number).close(), TypeError)
    left.close()
    right.close()
  })
})
