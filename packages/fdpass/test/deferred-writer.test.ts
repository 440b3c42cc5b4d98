import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DeferredWriter, read, StreamReceiver, setNonblocking, socketpair, tryWrite } from '@anyfork/fdpass'
import { describe, it } from 'mocha'

const threads = (): number => readdirSync('/proc/self/task').length
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('DeferredWriter', () => {
  const [left, right] = socketpair()
  const late = new DeferredWriter(left)
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
    const receiver = new StreamReceiver(right)
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
    read(right, buffer)
    for (const until = performance.now() + 10_000; threads() >= while_ && performance.now() < until; )
      await new Promise(setImmediate)
    assert.ok(threads() < while_)
  })

  for (const [from, end] of [
    [0, 11],
    [0, -1],
    [-1, 3],
    [5, 4],
    [11, 11],
    [0, 2 ** 31],
    [0, 2 ** 32 + 1],
    [2 ** 32, 3],
    [0, 1.5],
    [0.5, 2],
    [NaN, 3],
    [0, NaN],
  ] as const) {
    it(`throws a RangeError for what is no part of the buffer, and puts nothing off then (${from} to ${end})`, () => {
      assert.throws(() => late.putOff(bytes, from, end), RangeError)
      assert.equal(late.isPending, false)
      assert.equal(late.flush(), 0)
      late.putOff(bytes, 0, 3)
      assert.throws(() => late.putOff(bytes, from, end), RangeError)
      assert.equal(late.flush(), 3)
      assert.equal(read(right, buffer), 3)
    })
  }

  it('throws a TypeError for what is no buffer, and for positions that are no numbers', () => {
    for (const what of ['abc', new ArrayBuffer(8), {}, null, undefined])
      assert.throws(() => late.putOff(what as Buffer, 0, 1), { name: 'TypeError', message: /typed array/ })
    assert.throws(() => late.putOff(bytes, '2' as unknown as number, 4), TypeError)
    assert.throws(() => late.putOff(bytes, 0, undefined as unknown as number), TypeError)
    assert.equal(late.flush(), 0)
  })

  it('throws a TypeError for another buffer while one is put off, which is written as it was to be', () => {
    late.putOff(bytes, 0, 8)
    assert.throws(() => late.putOff(Buffer.alloc(100_000), 0, 100_000), { name: 'TypeError', message: /flush/ })
    assert.equal(late.flush(), 8)
    assert.equal(buffer.toString('latin1', 0, read(right, buffer)), '01234567')
  })

  it('throws the error of the kernel when the peer is gone', () => {
    right.close()
    late.putOff(bytes, 0, 1)
    assert.throws(() => late.flush(), { code: 'EPIPE' })
    left.close()
  })

  it('keeps what is put off from the garbage collector until it is flushed, though nobody else has it', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const collectGarbage = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        await new Promise(setImmediate)
        gc()
      }
    }
    const [ours, theirs] = socketpair()
    setNonblocking(ours, true)
    let filled = 0
    for (let n: number; (n = tryWrite(ours, Buffer.alloc(1 << 16, 'F'))) > 0; ) filled += n
    setNonblocking(ours, false)
    const putOff = (): [WeakRef<DeferredWriter>, WeakRef<Buffer>] => {
      const forgotten = new DeferredWriter(ours)
      const text = Buffer.alloc(60_000, 'P')
      forgotten.putOff(text, 0, text.length)
      return [new WeakRef(forgotten), new WeakRef(text)]
    }
    const [forgotten, text] = putOff()
    await collectGarbage()
    assert.ok(forgotten.deref() && text.deref())
    const receiver = new StreamReceiver(theirs)
    const came = Buffer.alloc(filled + 60_000)
    for (let length = 0; length < came.length; await new Promise(setImmediate))
      length += Math.max(0, receiver.receive(came, length, { dontWait: true }))
    assert.ok(came.equals(Buffer.alloc(came.length, 'P').fill('F', 0, filled)))
    assert.equal(forgotten.deref()!.flush(), 60_000)
    await collectGarbage()
    assert.equal(text.deref(), undefined)
    ours.close()
    theirs.close()
  })

  it('writes what is put off when its thread ends, and leaves nothing running', () => {
    const [ours, theirs] = socketpair()
    const program = fileURLToPath(new URL('fixtures/deferred-writer-threads.js', import.meta.url))
    const { status, signal } = spawnSync(process.execPath, [program], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    assert.deepEqual([status, signal], [0, null])
    theirs.close()
    assert.equal(buffer.toString('latin1', 0, read(ours, buffer)), 'late'.repeat(6))
    ours.close()
  })
})
