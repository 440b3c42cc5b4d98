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

  it('refuses a byte without a descriptor that is followed by one with a descriptor, and loses neither', () => {
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

  it('refuses a byte without a descriptor, and one with several, with EPROTO', () => {
    const { left, right } = sockets
    write(left, Buffer.from('x'))
    assert.throws(() => recv(right), { code: 'EPROTO' })
    sendMessage(left, Buffer.from('x'), [0, 1])
    assert.throws(() => recv(right), { code: 'EPROTO' })
  })

  it('makes what it receives close-on-exec, and leaves O_NONBLOCK to all who share the file', () => {
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

  it('inherits nothing to programs that are started meanwhile', async () => {
    const { left, right } = sockets
    send(left, 0)
    const received = recv(right)!
    const child = spawn('ls', ['/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    const open = (await text(child.stdout)).trim().split('\n').map(Number)
    for (const descriptor of [left, right, received]) assert.ok(!open.includes(descriptor.fd))
    received.close()
    await closed
  })

  it('delivers what was sent by someone who has closed it, and ended, since', () => {
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

  it('tells of a peer that is gone with EPIPE, and what it has sent before with ECONNRESET after it', () => {
    const { left, right } = sockets
    send(right, 0)
    send(left, 0)
    right.close()
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(left)!.close()
    assert.throws(() => recv(left), { code: 'ECONNRESET' })
    assert.equal(recv(left), undefined)
  })

  it('leaves it to the kernel to collect sockets that were sent over each other', async () => {
    const { left, right } = sockets
    const [readEnd, writeEnd] = pipe()
    send(left, writeEnd)
    send(left, right) // right waits in its own queue
    for (const descriptor of [writeEnd, left, right]) descriptor.close()
    ;[sockets.left, sockets.right] = socketpair()
    // The kernel looks for such cycles when some socket is closed.
    const collector = setInterval(() => socketpair().forEach(one => void one.close()), 1)
    assert.equal(await text(readEnd.toSocket()), '')
    clearInterval(collector)
  })

  it('refuses a full queue with EAGAIN, and what is refused is still the sender’s', () => {
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

  it('throws at the call for what makes no sense', () => {
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

  it('tell the end of the stream', () => {
    const [left, right] = socketpair()
    left.close()
    assert.equal(recv(right), undefined)
    right.close()
  })
})
