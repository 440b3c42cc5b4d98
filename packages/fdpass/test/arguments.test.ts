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

describe('argument checks', () => {
  let left: Descriptor
  let right: Descriptor
  const path = `\0anyfork-arguments-${process.pid}`
  const bytes = Buffer.from('abc')
  const notBuffers = [undefined, null, 'abc', 5, {}, [], new ArrayBuffer(8)] as unknown as Buffer[]
  const invalidPositions = [NaN, -1, 0.5, 4, Infinity, -Infinity, 2 ** 53]

  beforeEach(() => void ([left, right] = socketpair()))
  afterEach(() => {
    setNonblocking(left, true)
    assert.throws(() => read(left, Buffer.alloc(1)), { code: 'EAGAIN' }) // the rejected calls have sent nothing
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
    it(`make ${name}() throw a TypeError if the buffer is not a Buffer or typed array`, () => {
      for (const value of notBuffers)
        assert.throws(() => call(value), { name: 'TypeError', message: 'expected a Buffer or typed array' })
    })
  }

  for (const [name, call] of [
    ['read', (...range) => read(left, bytes, ...range)],
    ['write', (...range) => write(right, bytes, ...range)],
    ['tryWrite', (...range) => tryWrite(right, bytes, ...range)],
  ] as [string, (offset: number, length?: number) => unknown][]) {
    it(`make ${name}() throw a RangeError for a range outside the buffer, and a TypeError for a position that is not a number`, () => {
      for (const position of invalidPositions) {
        assert.throws(() => call(position), RangeError)
        assert.throws(() => call(0, position), RangeError)
        assert.throws(() => call(position, 1), RangeError)
      }
      assert.throws(() => call('1' as unknown as number, 1), TypeError)
      assert.throws(() => call(0, null as unknown as number), TypeError)
    })
  }

  it('make receive() and receiveMessage() throw a RangeError if the buffer has no room, before they take the message', () => {
    const receiver = new StreamReceiver(left)
    receiver.takesDescriptors = true
    sendMessage(right, Buffer.from('x'), [right])
    for (const offset of [...invalidPositions, 3]) assert.throws(() => receiver.receive(bytes, offset), RangeError)
    assert.throws(() => receiver.receive(Buffer.alloc(0)), RangeError)
    assert.throws(() => receiveMessage(left, Buffer.alloc(0)), RangeError)
    assert.equal(receiver.receive(bytes, 2), 1)
    assert.equal(receiver.descriptors.length, 1)
    receiver.discard()
  })

  it('accept a spin time of half a microsecond in receive()', () => {
    const receiver = new StreamReceiver(left)
    assert.equal(receiver.receive(bytes, 0, { dontWait: true, spin: 0.5 }), -1)
  })

  it('make setNonblocking() and setCloseOnExec() throw a TypeError if the flag is not a boolean', () => {
    for (const on of [1, undefined, null, 'yes'] as unknown as boolean[]) {
      assert.throws(() => setNonblocking(left, on), { name: 'TypeError', message: /true or false/ })
      assert.throws(() => setCloseOnExec(left, on), { name: 'TypeError', message: /true or false/ })
    }
  })

  it('make sendMessage() and sendMany() throw a TypeError if the handles are not an array', () => {
    for (const handles of [new Set([0]), {}, 5, null, 'abc', Int32Array.of(0)] as unknown as Handle[][]) {
      assert.throws(() => sendMessage(right, bytes, handles), { name: 'TypeError', message: /array/ })
      assert.throws(() => sendMany(right, handles), { name: 'TypeError', message: /array/ })
    }
    assert.throws(() => sendMany(right, undefined as unknown as Handle[]), { name: 'TypeError', message: /array/ })
  })

  it('accept a backlog of 0 in listen()', () => listen(path, { backlog: 0 }).close())

  it('make toSocket() of a listening socket throw a TypeError that names the alternatives, and leave the socket open', () => {
    const listener = listen(path)
    assert.throws(() => listener.toSocket(), { name: 'TypeError', message: /accept\(\).*listen\(\{ fd/ })
    listener.close()
  })
})
