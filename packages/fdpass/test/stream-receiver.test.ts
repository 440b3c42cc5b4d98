import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  type Descriptor,
  StreamReceiver,
  sendMessage,
  setNonblocking,
  socketpair,
  tryWrite,
  write,
} from '@anyfork/fdpass'
import { openDescriptors } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

/** Makes a thread write three bytes, soon after this has returned. Resolves when the thread has ended. */
function writeFromThread({ fd }: Descriptor): Promise<unknown> {
  const thread = new Worker("require('node:fs').writeSync(require('node:worker_threads').workerData, 'abc')", {
    eval: true,
    workerData: fd,
  })
  return once(thread, 'exit')
}

describe('StreamReceiver', () => {
  let left: Descriptor
  let right: Descriptor
  let openBefore: number
  const buffer = Buffer.alloc(16)

  beforeEach(() => {
    openBefore = openDescriptors()
    ;[left, right] = socketpair()
  })
  afterEach(() => {
    left[Symbol.dispose]()
    right[Symbol.dispose]()
    assert.equal(openDescriptors(), openBefore)
  })

  it('writes received bytes to the buffer at the given offset', () => {
    write(left, Buffer.from('abc'))
    assert.equal(new StreamReceiver(right).receive(buffer, 4), 3)
    assert.equal(buffer.toString('latin1', 4, 7), 'abc')
  })

  it('returns -1 if no bytes are available, and 0 at the end of the stream', () => {
    const receiver = new StreamReceiver(right)
    assert.equal(receiver.receive(buffer, 0, { dontWait: true }), -1)
    setNonblocking(right, true)
    assert.equal(receiver.receive(buffer), -1)
    left.close()
    assert.equal(receiver.receive(buffer), 0)
  })

  for (const yields of [false, true]) {
    it(`polls for the spin time before it returns -1 (yields: ${yields})`, async () => {
      const receiver = new StreamReceiver(right)
      assert.equal(receiver.receive(buffer, 0, { dontWait: true, spin: 1000, yields }), -1)
      const exited = writeFromThread(left)
      let received = -1
      // Without polling, all these calls end before the thread has started.
      for (let second = 0; received < 0 && second < 30; second++)
        received = receiver.receive(buffer, 0, { dontWait: true, spin: 1_000_000, yields })
      assert.equal(received, 3)
      await exited
    })
  }

  it('returns available bytes when a spin time is set', () => {
    write(left, Buffer.from('abc'))
    assert.equal(new StreamReceiver(right).receive(buffer, 0, { spin: 1_000_000 }), 3)
  })

  it('collects descriptors with takesDescriptors, and closes them on discard()', () => {
    const receiver = new StreamReceiver(right)
    receiver.takesDescriptors = true
    sendMessage(left, Buffer.from('a'), [left, right])
    sendMessage(left, Buffer.from('b'), [left])
    assert.equal(receiver.receive(buffer), 1)
    assert.equal(receiver.descriptors.length, 2)
    assert.equal(receiver.receive(buffer), 1)
    assert.equal(receiver.descriptors.length, 3)
    receiver.discard()
    assert.equal(receiver.descriptors.length, 0)
  })

  it('closes received descriptors without takesDescriptors', () => {
    sendMessage(left, Buffer.from('a'), [left])
    assert.equal(new StreamReceiver(right).receive(buffer), 1)
  })

  it('has a counterpart in tryWrite(), which returns -1 if the socket is full and throws EPIPE if the peer is gone', () => {
    setNonblocking(left, true)
    while (tryWrite(left, Buffer.alloc(4096)) > 0);
    assert.equal(tryWrite(left, buffer), -1)
    right.close()
    assert.throws(() => tryWrite(left, buffer), { code: 'EPIPE' })
  })

  it('throws a RangeError for an offset outside the buffer, and EBADF for a closed socket', () => {
    const receiver = new StreamReceiver(right)
    assert.throws(() => receiver.receive(buffer, 17), RangeError)
    right.close()
    assert.throws(() => receiver.receive(buffer), { code: 'EBADF' })
  })
})
