import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { Descriptor, read, receiveMessage, recv, send, sendMessage, socketpair, watch, write } from '@anyfork/fdpass'
import { describe, it } from 'mocha'

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

describe('send and recv', () => {
  it('pass a working copy of a descriptor', () => {
    const before = openDescriptors()
    const [left, right] = socketpair()
    const [inner, outer] = socketpair()
    send(left, inner)
    inner.close()
    const received = recv(right)
    assert.ok(received)
    write(received, Buffer.from('hello'))
    const buffer = Buffer.alloc(16)
    assert.equal(buffer.toString('utf8', 0, read(outer, buffer)), 'hello')
    for (const descriptor of [left, right, outer, received]) descriptor.close()
    assert.equal(openDescriptors(), before)
  })

  it('tell the end of the stream', () => {
    const [left, right] = socketpair()
    left.close()
    assert.equal(recv(right), undefined)
    right.close()
  })
})

describe('sendMessage and receiveMessage', () => {
  it('carry 253 descriptors with their bytes', () => {
    const before = openDescriptors()
    const [left, right] = socketpair()
    assert.equal(sendMessage(left, Buffer.from('many'), new Array(253).fill(left)), 4)
    const message = receiveMessage(right, Buffer.alloc(16))
    assert.equal(message.bytes, 4)
    assert.equal(message.descriptors.length, 253)
    for (const descriptor of [left, right, ...message.descriptors]) descriptor.close()
    assert.equal(openDescriptors(), before)
  })

  it('refuse more than fit before anything is sent', () => {
    const [left, right] = socketpair()
    assert.throws(() => sendMessage(left, Buffer.from('x'), new Array(254).fill(left)), RangeError)
    left.close()
    right.close()
  })
})

describe('Descriptor', () => {
  it('throws EBADF when closed twice', () => {
    const [left, right] = socketpair()
    left.close()
    assert.throws(() => left.close(), { code: 'EBADF' })
    assert.throws(() => send(left, right), { code: 'EBADF' })
    right.close()
  })

  it('is made of numbers that a descriptor can have only', () => {
    const [left, right] = socketpair()
    for (const number of [-1, 1.5, NaN, 2 ** 31, 2 ** 32 + left.fd, '3' as unknown as number])
      assert.throws(() => new Descriptor(number).close(), TypeError)
    left.close()
    right.close()
  })
})

describe('watch', () => {
  it('calls back when there is something to read', async () => {
    const [left, right] = socketpair()
    const ready = await new Promise(resolve => {
      const watching = watch(right, { readable: true }, events => {
        watching.close()
        resolve(events)
      })
      write(left, Buffer.from('x'))
    })
    assert.deepEqual(ready, { readable: true, writable: false, hangup: false })
    left.close()
    right.close()
  })
})
