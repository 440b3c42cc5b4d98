import assert from 'node:assert/strict'
import {
  type Descriptor,
  type Handle,
  listen,
  read,
  receiveMessage,
  StreamReceiver,
  sendMany,
  sendMessage,
  setCloseOnExec,
  setNonblocking,
  socketpair,
  tryWrite,
  write,
} from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

describe('what makes no sense is refused at the call', () => {
  let left: Descriptor
  let right: Descriptor
  const path = `\0anyfork-arguments-${process.pid}`
  const bytes = Buffer.from('abc')
  const none = [undefined, null, 'abc', 5, {}, [], new ArrayBuffer(8)] as unknown as Buffer[]
  const outside = [NaN, -1, 0.5, 4, Infinity, -Infinity, 2 ** 53]

  beforeEach(() => void ([left, right] = socketpair()))
  afterEach(() => {
    setNonblocking(left, true)
    assert.throws(() => read(left, Buffer.alloc(1)), { code: 'EAGAIN' }) // nothing was sent
    left.close()
    right.close()
  })

  for (const [name, call] of [
    ['read', bytes => read(left, bytes)],
    ['write', bytes => write(right, bytes)],
    ['tryWrite', bytes => tryWrite(right, bytes)],
    ['sendMessage', bytes => sendMessage(right, bytes)],
    ['receiveMessage', bytes => receiveMessage(left, bytes, { dontWait: true })],
    ['StreamReceiver.receive', bytes => new StreamReceiver(left).receive(bytes, 0, { dontWait: true })],
  ] as [string, (bytes: Buffer) => unknown][]) {
    it(`${name}: what is no buffer is a TypeError`, () => {
      for (const what of none)
        assert.throws(() => call(what), { name: 'TypeError', message: 'expected a Buffer or typed array' })
    })
  }

  for (const [name, call] of [
    ['read', (...range) => read(left, bytes, ...range)],
    ['write', (...range) => write(right, bytes, ...range)],
    ['tryWrite', (...range) => tryWrite(right, bytes, ...range)],
  ] as [string, (offset: number, length?: number) => unknown][]) {
    it(`${name}: what is no part of the buffer is a RangeError, what is no number a TypeError`, () => {
      for (const number of outside) {
        assert.throws(() => call(number), RangeError)
        assert.throws(() => call(0, number), RangeError)
        assert.throws(() => call(number, 1), RangeError)
      }
      assert.throws(() => call('1' as unknown as number, 1), TypeError)
      assert.throws(() => call(0, null as unknown as number), TypeError)
    })
  }

  it('StreamReceiver.receive: what is no room in the buffer is a RangeError, and takes nothing', () => {
    const receiver = new StreamReceiver(left)
    receiver.takesDescriptors = true
    sendMessage(right, Buffer.from('x'), [right])
    for (const offset of [...outside, 3]) assert.throws(() => receiver.receive(bytes, offset), RangeError)
    assert.throws(() => receiver.receive(Buffer.alloc(0)), RangeError)
    assert.throws(() => receiveMessage(left, Buffer.alloc(0)), RangeError)
    assert.equal(receiver.receive(bytes, 2), 1)
    assert.equal(receiver.descriptors.length, 1)
    receiver.discard()
  })

  it('StreamReceiver.receive: half a microsecond is a valid time to spin', () => {
    const receiver = new StreamReceiver(left)
    assert.equal(receiver.receive(bytes, 0, { dontWait: true, spin: 0.5 }), -1)
  })

  it('setNonblocking, setCloseOnExec: what is neither true nor false is a TypeError', () => {
    for (const on of [1, undefined, null, 'yes'] as unknown as boolean[]) {
      assert.throws(() => setNonblocking(left, on), { name: 'TypeError', message: /true or false/ })
      assert.throws(() => setCloseOnExec(left, on), { name: 'TypeError', message: /true or false/ })
    }
  })

  it('sendMessage, sendMany: handles that are no array are a TypeError', () => {
    for (const handles of [new Set([0]), {}, 5, null, 'abc', Int32Array.of(0)] as unknown as Handle[][]) {
      assert.throws(() => sendMessage(right, bytes, handles), { name: 'TypeError', message: /array/ })
      assert.throws(() => sendMany(right, handles), { name: 'TypeError', message: /array/ })
    }
    assert.throws(() => sendMany(right, undefined as unknown as Handle[]), { name: 'TypeError', message: /array/ })
  })

  it('listen: a backlog of 0 is valid', () => listen(path, { backlog: 0 }).close())

  it('toSocket: of a socket that listens it is a TypeError that says what to do, and it stays its owner’s', () => {
    const listener = listen(path)
    assert.throws(() => listener.toSocket(), { name: 'TypeError', message: /accept\(\).*listen\(\{ fd/ })
    listener.close()
  })
})
