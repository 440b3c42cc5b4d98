import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'mocha'
import { LateWriter, Receiver, read, socketpair } from '@anyfork/fdpass'

const threads = (): number => readdirSync('/proc/self/task').length
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('LateWriter', () => {
  const [left, right] = socketpair()
  const late = new LateWriter(left)
  const bytes = Buffer.from('0123456789')
  const buffer = Buffer.alloc(100)

  it('writes what was put off when it is flushed', () => {
    late.putOff(bytes, 2, 4)
    late.putOff(bytes, 2, 6)
    assert.ok(late.isPending)
    assert.equal(late.flush(), 4)
    assert.equal(late.flush(), 0)
    assert.equal(buffer.toString('latin1', 0, read(right, buffer)), '2345')
  })

  it('writes it all the same when its owner is busy, and nothing twice', () => {
    const receiver = new Receiver(right)
    late.putOff(bytes, 0, 3)
    block(200)
    assert.equal(receiver.receive(buffer, 0, { dontWait: true }), 3)
    late.putOff(bytes, 0, 5)
    assert.equal(late.flush(), 5)
    assert.equal(buffer.toString('latin1', 0, receiver.receive(buffer, 0, { dontWait: true })), '34')
  })

  it('goes on ticking while it is used, and then has no thread', async () => {
    const before = late.ticks
    late.putOff(bytes, 0, 1)
    const while_ = threads()
    block(50)
    assert.ok(late.ticks > before)
    late.flush()
    for (const until = performance.now() + 10_000; threads() >= while_ && performance.now() < until; ) await new Promise(setImmediate)
    assert.ok(threads() < while_)
  })

  it('throws the error of the kernel when the peer is gone', () => {
    right.close()
    late.putOff(bytes, 0, 1)
    assert.throws(() => late.flush(), { code: 'EPIPE' })
    left.close()
  })
})
