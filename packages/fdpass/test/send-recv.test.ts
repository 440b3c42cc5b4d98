import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import {
  Descriptor,
  isCloseOnExec,
  isNonblocking,
  pipe,
  read,
  receiveMessage,
  recv,
  send,
  sendMessage,
  setCloseOnExec,
  setNonblocking,
  socketpair,
  write,
} from '@anyfork/fdpass'
import { openDescriptors } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('send() and recv()', () => {
  const sockets = useSocketPair()

  it('throw EPROTO for a byte without a descriptor, and then return the descriptor of the next byte', () => {
    const { left, right } = sockets
    write(left, Buffer.from('x'))
    const [readEnd, writeEnd] = pipe()
    send(left, writeEnd)
    assert.throws(() => recv(right), { code: 'EPROTO' })
    const received = recv(right)!
    assert.ok(fstatSync(received.fd).isFIFO())
    assert.throws(() => recv(right), { code: 'EAGAIN' })
    for (const descriptor of [received, readEnd, writeEnd]) descriptor.close()
  })

  it('throw EPROTO for a byte without a descriptor, and for a byte with several descriptors', () => {
    const { left, right } = sockets
    write(left, Buffer.from('x'))
    assert.throws(() => recv(right), { code: 'EPROTO' })
    sendMessage(left, Buffer.from('x'), [0, 1])
    assert.throws(() => recv(right), { code: 'EPROTO' })
  })

  it('make received descriptors close-on-exec, and leave O_NONBLOCK shared with the descriptor of the sender', () => {
    const { left, right } = sockets
    const [readEnd, writeEnd] = pipe()
    setCloseOnExec(readEnd, false)
    send(left, readEnd)
    const received = recv(right)!
    assert.equal(isCloseOnExec(received), true)
    assert.equal(isCloseOnExec(readEnd), false)
    assert.equal(isNonblocking(received), false)
    setNonblocking(received, true)
    assert.equal(isNonblocking(readEnd), true)
    for (const descriptor of [readEnd, writeEnd, received]) descriptor.close()
  })

  it('use descriptors that a child process does not inherit', async () => {
    const { left, right } = sockets
    send(left, 0)
    const received = recv(right)!
    const child = spawn('ls', ['/dev/fd/'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    const open = (await text(child.stdout)).trim().split('\n').map(Number)
    for (const descriptor of [left, right, received]) assert.ok(!open.includes(descriptor.fd))
    received.close()
    await closed
  })

  it('deliver a descriptor after the sender has closed the descriptor and its socket', () => {
    const { left, right } = sockets
    const [readEnd, writeEnd] = pipe()
    write(writeEnd, Buffer.from('left behind'))
    writeEnd.close()
    send(left, readEnd)
    readEnd.close()
    left.close()
    const received = recv(right)!
    const buffer = Buffer.alloc(100)
    assert.equal(buffer.toString('utf8', 0, read(received, buffer)), 'left behind')
    received.close()
    assert.equal(recv(right), undefined)
  })

  it('throw EPIPE if the peer is gone, and ECONNRESET after the descriptors that it has sent', () => {
    const { left, right } = sockets
    send(right, 0)
    send(left, 0)
    right.close()
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(left)!.close()
    assert.throws(() => recv(left), { code: 'ECONNRESET' })
    assert.equal(recv(left), undefined)
  })

  it('let the kernel free a socket that waits in its own queue', async () => {
    const { left, right } = sockets
    const [readEnd, writeEnd] = pipe()
    send(left, writeEnd)
    send(left, right) // `right` waits in its own queue
    for (const descriptor of [writeEnd, left, right]) descriptor.close()
    ;[sockets.left, sockets.right] = socketpair()
    // The kernel looks for such cycles when a socket is closed.
    const collector = setInterval(() => socketpair().forEach(one => void one.close()), 1)
    assert.equal(await text(readEnd.toSocket()), '')
    clearInterval(collector)
  })

  it('throw EAGAIN if the queue is full, and leave the descriptor of the sender open', () => {
    const { left, right } = sockets
    const [readEnd, writeEnd] = pipe()
    let sent = 0
    assert.throws(
      () => {
        for (; ; sent++) send(left, readEnd)
      },
      { code: 'EAGAIN' },
    )
    assert.ok(fstatSync(readEnd.fd).isFIFO())
    for (let i = 0; i < sent; i++) recv(right)!.close()
    readEnd.close()
    writeEnd.close()
  })

  it('throw at the call, as read() and write() do, for invalid ranges and descriptors', () => {
    const { right } = sockets
    assert.throws(() => receiveMessage(right, Buffer.alloc(0)), RangeError)
    assert.throws(() => read(right, Buffer.alloc(4), 2, 3), RangeError)
    assert.throws(() => write(right, Buffer.alloc(4), 5), RangeError)
    assert.throws(() => new Descriptor(-1), TypeError)
    assert.throws(() => send(0x7fffffff, 0), { code: 'EBADF' })
    const [readEnd, writeEnd] = pipe()
    assert.throws(() => send(readEnd, 0), { code: 'ENOTSOCK' })
    readEnd.close()
    writeEnd.close()
  })

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

  it('return undefined at the end of the stream', () => {
    const [left, right] = socketpair()
    left.close()
    assert.equal(recv(right), undefined)
    right.close()
  })
})
