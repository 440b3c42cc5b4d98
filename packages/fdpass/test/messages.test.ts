import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { receiveMessage, recv, sendMessage, socketpair, write } from '@anyfork/fdpass'
import { openDescriptors } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('sendMessage() and receiveMessage()', () => {
  const sockets = useSocketPair()

  it('pass 253 descriptors in one message, and throw a RangeError for 254', () => {
    const { left, right } = sockets
    assert.throws(() => sendMessage(left, Buffer.from('x'), new Array(254).fill(0)), RangeError)
    assert.equal(sendMessage(left, Buffer.from('x'), new Array(253).fill(0)), 1)
    const { descriptors } = receiveMessage(right, Buffer.alloc(1))
    assert.equal(descriptors.length, 253)
    for (const descriptor of descriptors) descriptor.close()
  })

  it('send no part of a message if one of its descriptors is closed', () => {
    const { left, right } = sockets
    const closed = openSync('/dev/null', 'r')
    closeSync(closed)
    assert.throws(() => sendMessage(left, Buffer.from('x'), [0, 1, closed, 2]), { code: 'EBADF' })
    assert.throws(() => recv(right), { code: 'EAGAIN' })
  })

  it('throw EINVAL for descriptors without a byte on a stream, and pass descriptors with an empty packet', () => {
    const { left } = sockets
    assert.throws(() => sendMessage(left, Buffer.alloc(0), [0]), { code: 'EINVAL' })
    const [one, other] = socketpair({ type: 'seqpacket' })
    sendMessage(one, Buffer.alloc(0), [0])
    const { bytes, descriptors, endOfFile } = receiveMessage(other, Buffer.alloc(1))
    assert.deepEqual([bytes, descriptors.length, endOfFile], [0, 1, false])
    descriptors[0]!.close()
    one.close()
    assert.equal(receiveMessage(other, Buffer.alloc(1)).endOfFile, true)
    other.close()
  })

  it('return plain bytes together with the descriptors of the next message, but not with those of an earlier one', () => {
    const { left, right } = sockets
    write(left, Buffer.from('AA'))
    sendMessage(left, Buffer.from('B'), [0])
    write(left, Buffer.from('CC'))
    sendMessage(left, Buffer.from('D'), [0])
    const received = [1, 2].map(() => {
      const buffer = Buffer.alloc(100)
      const { bytes, descriptors } = receiveMessage(right, buffer)
      for (const descriptor of descriptors) descriptor.close()
      return [buffer.toString('utf8', 0, bytes), descriptors.length]
    })
    assert.deepEqual(received, [
      ['AAB', 1],
      ['CCD', 1],
    ])
  })

  for (const type of ['stream', 'seqpacket'] as const) {
    it(`return descriptors with the first byte of their own message, even if each call takes one byte (${type})`, () => {
      const [one, other] = socketpair({ type })
      for (const text of ['A', 'AAA', 'A']) write(one, Buffer.from(text))
      sendMessage(one, Buffer.from('BBB'), [0])
      sendMessage(one, Buffer.from('C'), [0, 0])
      const received: string[] = []
      while (!received.at(-1)?.startsWith('C')) {
        const buffer = Buffer.alloc(1)
        const { descriptors } = receiveMessage(other, buffer)
        received.push(`${buffer.toString()}${descriptors.length}`)
        for (const descriptor of descriptors) descriptor.close()
      }
      assert.deepEqual(received.join(' '), type === 'stream' ? 'A0 A0 A0 A0 A0 B1 B0 B0 C2' : 'A0 A0 A0 B1 C2')
      one.close()
      other.close()
    })
  }

  it('return each message with descriptors separately, even if the buffer has room for more', () => {
    const { left, right } = sockets
    for (let i = 0; i < 3; i++) sendMessage(left, Buffer.from('x'), [0])
    for (let i = 0; i < 3; i++) {
      const { bytes, descriptors } = receiveMessage(right, Buffer.alloc(65536))
      assert.deepEqual([bytes, descriptors.length], [1, 1])
      descriptors[0]!.close()
    }
  })

  it('pass descriptors once if the kernel accepts only a part of their message', () => {
    const { left, right } = sockets
    const big = Buffer.alloc(4 << 20, 'x')
    const accepted = sendMessage(left, big, [0])
    assert.ok(accepted > 0 && accepted < big.length)
    assert.throws(() => sendMessage(left, big.subarray(accepted), []), { code: 'EAGAIN' })
    let bytes = 0
    let descriptors = 0
    const buffer = Buffer.alloc(1 << 20)
    while (bytes < accepted) {
      const message = receiveMessage(right, buffer)
      bytes += message.bytes
      for (const descriptor of message.descriptors) descriptor.close()
      descriptors += message.descriptors.length
    }
    assert.deepEqual([bytes, descriptors], [accepted, 1])
  })

  it('throw ECONNREFUSED if the peer of a datagram socket is closed', () => {
    const [one, other] = socketpair({ type: 'dgram' })
    sendMessage(one, Buffer.from('x'), [0])
    other.close()
    assert.throws(() => sendMessage(one, Buffer.from('x'), [0]), { code: 'ECONNREFUSED' })
    one.close()
  })

  it('keep packet boundaries, report truncated packets, and throw EMSGSIZE for a packet that is too large', () => {
    for (const type of ['seqpacket', 'dgram'] as const) {
      const [one, other] = socketpair({ type })
      sendMessage(one, Buffer.from('12345'), [0])
      sendMessage(one, Buffer.from('67'))
      const buffer = Buffer.alloc(3)
      const cut = receiveMessage(other, buffer)
      assert.deepEqual([cut.bytes, cut.truncated, cut.descriptors.length, buffer.toString()], [3, true, 1, '123'])
      cut.descriptors[0]!.close()
      assert.deepEqual(
        { ...receiveMessage(other, buffer), descriptors: 0 },
        { bytes: 2, descriptors: 0, endOfFile: false, truncated: false },
      )
      assert.throws(() => sendMessage(one, Buffer.alloc(1 << 20)), { code: 'EMSGSIZE' })
      one.close()
      other.close()
    }
    assert.throws(() => socketpair({ type: 'raw' as 'stream' }), TypeError)
  })

  it('throw EAGAIN with dontWait, even if the socket is blocking', () => {
    const [one, other] = socketpair()
    assert.throws(() => receiveMessage(one, Buffer.alloc(1), { dontWait: true }), { code: 'EAGAIN' })
    assert.throws(() => receiveMessage(one, Buffer.alloc(1), { dontWait: true, peek: false }), { code: 'EAGAIN' })
    assert.throws(
      () => {
        for (;;) sendMessage(one, Buffer.alloc(1000), [], { dontWait: true })
      },
      { code: 'EAGAIN' },
    )
    one.close()
    other.close()
  })

  it('pass 253 descriptors together with several bytes', () => {
    const before = openDescriptors()
    const [left, right] = socketpair()
    assert.equal(sendMessage(left, Buffer.from('many'), new Array(253).fill(left)), 4)
    const message = receiveMessage(right, Buffer.alloc(16))
    assert.equal(message.bytes, 4)
    assert.equal(message.descriptors.length, 253)
    for (const descriptor of [left, right, ...message.descriptors]) descriptor.close()
    assert.equal(openDescriptors(), before)
  })
})
