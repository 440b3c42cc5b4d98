import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Descriptor,
  DescriptorReceiver,
  pipe,
  receiveMessage,
  send,
  sendMany,
  sendMessage,
  setNonblocking,
  socketpair,
  write,
} from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { openDescriptors, taggedPipe, tagOf } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

describe('many descriptors at a time', () => {
  let left: Descriptor
  let right: Descriptor
  let receiver: DescriptorReceiver
  let before: number

  beforeEach(() => {
    before = openDescriptors()
    ;[left, right] = socketpair()
    setNonblocking(left, true)
    setNonblocking(right, true)
    receiver = new DescriptorReceiver(right)
  })
  afterEach(() => {
    left[Symbol.dispose]()
    right[Symbol.dispose]()
    assert.equal(openDescriptors(), before)
  })

  /** Sends the reading end of a tagged pipe in a message of its own. */
  const sendOne = (tag: string): void => {
    const one = taggedPipe(tag)
    send(left, one)
    one.close()
  }
  const receive = (most: number): Descriptor[] => receiver.receive(most) ?? []
  /** Receives until the queue is empty. Returns the tags, and last the reason why the queue is empty. */
  const drain = (most: number): string[] => {
    const tags: string[] = []
    try {
      for (;;) {
        const descriptors = receiver.receive(most)
        if (!descriptors) return [...tags, 'no more']
        if (!descriptors.length) return [...tags, 'end']
        tags.push(...descriptors.map(tagOf))
      }
    } catch (error) {
      return [...tags, (error as NodeJS.ErrnoException).code!]
    }
  }

  for (const most of [1, 2, 7, 64, 253, 1000]) {
    it(`are received in order, with at most ${most} per call`, () => {
      for (let i = 0; i < 200; i++) sendOne(`${i}`)
      assert.deepEqual(drain(most), [...Array.from({ length: 200 }, (_, i) => `${i}`), 'no more'])
    })
  }

  it('are received up to the requested number', () => {
    for (let i = 0; i < 100; i++) sendOne(`${i}`)
    for (const most of [1, 5, 1, 20]) {
      const descriptors = receive(most)
      assert.ok(descriptors.length >= 1 && descriptors.length <= most)
      for (const descriptor of descriptors) descriptor.close()
    }
  })

  it('are received completely from messages that have more than requested', () => {
    const sizes = [1, 1, 3, 1, 1, 1, 253, 2, 2, 1, 16, 17, 1]
    const [readEnd, writeEnd] = pipe()
    for (const size of sizes) sendMany(left, new Array(size).fill(readEnd), { batch: size })
    let count = 0
    for (let descriptors = receiver.receive(64); descriptors; descriptors = receiver.receive(64)) {
      count += descriptors.length
      for (const descriptor of descriptors) descriptor.close()
    }
    assert.equal(
      count,
      sizes.reduce((sum, size) => sum + size),
    )
    readEnd.close()
    writeEnd.close()
  })

  it('are received before the end of the stream', () => {
    for (let i = 0; i < 70; i++) sendOne(`${i}`)
    left.close()
    assert.deepEqual(drain(64), [...Array.from({ length: 70 }, (_, i) => `${i}`), 'end'])
    assert.deepEqual(receiver.receive(1), [])
  })

  it('are received before receive() throws ECONNRESET, which it throws once', () => {
    send(right, 0)
    for (let i = 0; i < 70; i++) sendOne(`${i}`)
    left.close()
    assert.deepEqual(drain(64), [...Array.from({ length: 70 }, (_, i) => `${i}`), 'ECONNRESET'])
    assert.deepEqual(receiver.receive(64), [])
  })

  it('are received if the connection is reset between two calls', () => {
    for (let i = 0; i < 40; i++) sendOne(`${i}`)
    const first = [...receive(1), ...receive(20)].map(tagOf)
    send(right, 0)
    left.close()
    assert.deepEqual([...first, ...drain(64)], [...Array.from({ length: 40 }, (_, i) => `${i}`), 'ECONNRESET'])
  })

  it('are received before and after a byte without a descriptor, for which receive() throws EPROTO', () => {
    for (const tag of ['a', 'b', 'c']) sendOne(tag)
    write(left, Buffer.from('x'))
    sendOne('d')
    assert.deepEqual(drain(64), ['a', 'b', 'c', 'EPROTO'])
    assert.deepEqual(drain(64), ['d', 'no more'])
  })

  it('are received once from a message of three bytes, and receive() throws EPROTO for each further byte', () => {
    for (const tag of ['a', 'b']) sendOne(tag)
    const long = taggedPipe('long')
    sendMessage(left, Buffer.from('xyz'), [long])
    long.close()
    sendOne('c')
    assert.deepEqual(drain(64), ['a', 'b', 'long', 'EPROTO'])
    assert.deepEqual(drain(64), ['EPROTO'])
    assert.deepEqual(drain(64), ['c', 'no more'])
  })

  it('leave the queue only when they are returned: receiveMessage() gets the next one', function () {
    if (!isLinux) return this.skip() // it receives one at a time
    for (let i = 0; i < 10; i++) sendOne(`${i}`)
    for (const descriptor of [...receive(1), ...receive(4)]) descriptor.close()
    const { descriptors } = receiveMessage(right, Buffer.alloc(1))
    assert.equal(tagOf(descriptors[0]!), '5')
    assert.deepEqual(drain(64), ['6', '7', '8', '9', 'no more'])
  })

  it('are received from a blocking socket without waiting for more than the first one', function () {
    if (!isLinux) return this.skip() // it receives one at a time
    setNonblocking(right, false)
    for (let i = 0; i < 3; i++) sendOne(`${i}`)
    assert.deepEqual([...receive(1), ...receive(64)].map(tagOf), ['0', '1', '2'])
    const [blocking, theirs] = socketpair()
    execFileSync('sh', ['-c', '(sleep 0.2) & exit 0'], { stdio: ['ignore', 'ignore', 'inherit', theirs.fd] })
    theirs.close()
    assert.deepEqual(new DescriptorReceiver(blocking).receive(64), []) // the end, after the sleep
    const impatient = new DescriptorReceiver(right, { dontWait: true })
    assert.equal(impatient.receive(64), undefined)
    blocking.close()
  })

  it('are received from a socket of type seqpacket', function () {
    if (!isLinux) return this.skip() // there is no such socket
    const [one, other] = socketpair({ type: 'seqpacket' })
    const packets = new DescriptorReceiver(other, { dontWait: true })
    for (let i = 0; i < 10; i++) send(one, 0)
    const descriptors = [...packets.receive(1)!, ...packets.receive(64)!]
    assert.equal(descriptors.length, 10)
    for (const descriptor of [one, other, ...descriptors]) descriptor.close()
  })

  it('are not lost if the descriptor table becomes full in the middle of a burst', function () {
    if (!isLinux) return this.skip() // no message can be looked at before it is received
    const program = fileURLToPath(new URL('./fixtures/full-table-bursts.js', import.meta.url))
    const stdout = execFileSync('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, program])
    assert.equal(stdout.toString(), 'done\n')
  })

  it('are sent in messages of the given batch size', () => {
    assert.equal(sendMany(left, new Array(20).fill(0), { batch: 8 }), 20)
    const sizes = [1, 2, 3].map(() => {
      const { bytes, descriptors } = receiveMessage(right, Buffer.alloc(10))
      for (const descriptor of descriptors) descriptor.close()
      return [bytes, descriptors.length]
    })
    assert.deepEqual(sizes, [
      [1, 8],
      [1, 8],
      [1, 4],
    ])
    assert.equal(sendMany(left, []), 0)
  })

  it('are sent in whole batches, up to 253 per call', () => {
    assert.equal(sendMany(left, new Array(300).fill(0), { batch: 100 }), 200)
    assert.equal(sendMany(left, new Array(300).fill(0), { batch: 253 }), 253)
    assert.equal(sendMany(left, new Array(300).fill(0)), 253)
    let received = 0
    while (received < 200 + 253 + 253) {
      const descriptors = receive(253)
      received += descriptors.length
      for (const descriptor of descriptors) descriptor.close()
    }
    assert.equal(receiver.receive(253), undefined)
  })

  it('are sent up to a closed one, for which the next call throws EBADF', () => {
    const closed = openSync('/dev/null', 'r')
    closeSync(closed)
    const handles = [0, 1, 2, closed, 0]
    assert.equal(sendMany(left, handles), 3)
    assert.throws(() => sendMany(left, handles.slice(3)), { code: 'EBADF' })
    assert.equal(sendMany(left, handles, { batch: 2 }), 2)
    assert.throws(() => sendMany(left, handles.slice(2), { batch: 2 }), { code: 'EBADF' })
    for (let i = 0; i < 4; i++) for (const descriptor of receive(1)) descriptor.close()
  })

  it('are sent until the queue is full (EAGAIN) or the peer is gone (EPIPE)', () => {
    let sent = 0
    assert.throws(
      () => {
        for (;;) sent += sendMany(left, new Array(100).fill(0))
      },
      { code: 'EAGAIN' },
    )
    let received = 0
    while (received < sent) {
      const descriptors = receive(64)
      received += descriptors.length
      for (const descriptor of descriptors) descriptor.close()
    }
    assert.equal(receiver.receive(64), undefined)
    right.close()
    assert.throws(() => sendMany(left, [0, 0]), { code: 'EPIPE' })
  })

  it('cannot be requested with an invalid number, or sent or received with an invalid handle', () => {
    for (const most of [0, -1, 1.5, NaN]) assert.throws(() => receiver.receive(most), RangeError)
    assert.throws(() => sendMany(left, [0, {}]), TypeError)
    assert.throws(() => new DescriptorReceiver({}), TypeError)
    const [readEnd, writeEnd] = pipe()
    assert.throws(() => new DescriptorReceiver(readEnd).receive(64), { code: 'ENOTSOCK' })
    readEnd.close()
    writeEnd.close()
    right.close()
    assert.throws(() => receiver.receive(64), { code: 'EBADF' })
  })
})
