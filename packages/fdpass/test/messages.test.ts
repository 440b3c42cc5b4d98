import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { receiveMessage, recv, sendMessage, socketpair, write } from '@anyfork/fdpass'
import { openDescriptors } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('sendMessage() and receiveMessage()', () => {
  const sockets = useSocketPair()

  it('passes 253 descriptors in a message, and refuses 254 before it is sent', () => {
    const { left, right } = sockets
    assert.throws(() => sendMessage(left, Buffer.from('x'), new Array(254).fill(0)), RangeError)
    assert.equal(sendMessage(left, Buffer.from('x'), new Array(253).fill(0)), 1)
    const { descriptors } = receiveMessage(right, Buffer.alloc(1))
    assert.equal(descriptors.length, 253)
    for (const descriptor of descriptors) descriptor.close()
  })

  it('sends none of a message in which one descriptor is not open', () => {
    const { left, right } = sockets
    const closed = openSync('/dev/null', 'r')
    closeSync(closed)
    assert.throws(() => sendMessage(left, Buffer.from('x'), [0, 1, closed, 2]), { code: 'EBADF' })
    assert.throws(() => recv(right), { code: 'EAGAIN' })
  })

  it('refuses descriptors without a byte on a stream, and passes them with an empty packet', () => {
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

  it('gives plain data before descriptors together with them, and data after them on its own', () => {
    const { left, right } = sockets
    write(left, Buffer.from('AA'))
    sendMessage(left, Buffer.from('B'), [0])
    write(left, Buffer.from('CC'))
    sendMessage(left, Buffer.from('D'), [0])
    const got = [1, 2].map(() => {
      const buffer = Buffer.alloc(100)
      const { bytes, descriptors } = receiveMessage(right, buffer)
      for (const descriptor of descriptors) descriptor.close()
      return [buffer.toString('utf8', 0, bytes), descriptors.length]
    })
    assert.deepEqual(got, [
      ['AAB', 1],
      ['CCD', 1],
    ])
  })

  for (const type of ['stream', 'seqpacket'] as const) {
    it(`gives descriptors with their own bytes only, however small the parts in which those before them are read (${type})`, () => {
      const [one, other] = socketpair({ type })
      for (const text of ['A', 'AAA', 'A']) write(one, Buffer.from(text))
      sendMessage(one, Buffer.from('BBB'), [0])
      sendMessage(one, Buffer.from('C'), [0, 0])
      const got: string[] = []
      while (!got.at(-1)?.startsWith('C')) {
        const buffer = Buffer.alloc(1)
        const { descriptors } = receiveMessage(other, buffer)
        got.push(`${buffer.toString()}${descriptors.length}`)
        for (const descriptor of descriptors) descriptor.close()
      }
      assert.deepEqual(got.join(' '), type === 'stream' ? 'A0 A0 A0 A0 A0 B1 B0 B0 C2' : 'A0 A0 A0 B1 C2')
      one.close()
      other.close()
    })
  }

  it('keeps messages with descriptors apart, whatever the size of the buffer', () => {
    const { left, right } = sockets
    for (let i = 0; i < 3; i++) sendMessage(left, Buffer.from('x'), [0])
    for (let i = 0; i < 3; i++) {
      const { bytes, descriptors } = receiveMessage(right, Buffer.alloc(65536))
      assert.deepEqual([bytes, descriptors.length], [1, 1])
      descriptors[0]!.close()
    }
  })

  it('sends descriptors with the first part of a message that is taken in parts', () => {
    const { left, right } = sockets
    const big = Buffer.alloc(4 << 20, 'x')
    const taken = sendMessage(left, big, [0])
    assert.ok(taken > 0 && taken < big.length)
    assert.throws(() => sendMessage(left, big.subarray(taken), []), { code: 'EAGAIN' })
    let bytes = 0
    let descriptors = 0
    const buffer = Buffer.alloc(1 << 20)
    while (bytes < taken) {
      const message = receiveMessage(right, buffer)
      bytes += message.bytes
      for (const descriptor of message.descriptors) descriptor.close()
      descriptors += message.descriptors.length
    }
    assert.deepEqual([bytes, descriptors], [taken, 1])
  })

  it('tells by ECONNREFUSED that a socket of datagrams has no peer any more', () => {
    const [one, other] = socketpair({ type: 'dgram' })
    sendMessage(one, Buffer.from('x'), [0])
    other.close()
    assert.throws(() => sendMessage(one, Buffer.from('x'), [0]), { code: 'ECONNREFUSED' })
    one.close()
  })

  it('keeps the bounds of packets, and tells which were cut', () => {
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

  it('needs no non-blocking socket not to wait', () => {
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
})
