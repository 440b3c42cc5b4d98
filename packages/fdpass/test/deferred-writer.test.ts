import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DeferredWriter, read, StreamReceiver, setNonblocking, socketpair, tryWrite } from '@anyfork/fdpass'
import { collectGarbage, PATIENCE_MS, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'

/** proc_pid_stat(5), field 9 */
const PF_EXITING = 4
const threads = (): number => readdirSync('/proc/self/task').length
/** Counts the threads that do not exit: one that was joined is listed for another moment. */
const runningThreads = (): number =>
  readdirSync('/proc/self/task').filter(id => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
    const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6])
    return (flags & PF_EXITING) === 0
  }).length
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('DeferredWriter', () => {
  const [left, right] = socketpair()
  const writer = new DeferredWriter(left)
  const bytes = Buffer.from('0123456789')
  const buffer = Buffer.alloc(100)

  it('writes the deferred bytes on flush(), which returns their number', () => {
    writer.defer(bytes, 2, 4)
    writer.defer(bytes, 2, 6)
    assert.ok(writer.isPending)
    assert.equal(writer.flush(), 4)
    assert.equal(writer.flush(), 0)
    assert.equal(buffer.toString('latin1', 0, read(right, buffer)), '2345')
  })

  it('writes the deferred bytes while its owner is busy, and writes no byte twice', () => {
    const receiver = new StreamReceiver(right)
    writer.defer(bytes, 0, 3)
    assert.equal(receiver.receive(buffer), 3) // blocks the owner until the bytes arrive
    writer.defer(bytes, 0, 5)
    assert.equal(writer.flush(), 5)
    assert.equal(buffer.toString('latin1', 0, receiver.receive(buffer, 0, { dontWait: true })), '34')
  })

  it('ticks while bytes are deferred, and ends its thread after the flush', async () => {
    const ticksBefore = writer.ticks
    writer.defer(bytes, 0, 1)
    const busyThreads = threads()
    for (let waited = 0; writer.ticks === ticksBefore && waited < PATIENCE_MS; waited++) block(1)
    assert.ok(writer.ticks > ticksBefore)
    writer.flush()
    read(right, buffer)
    await until(() => threads() < busyThreads)
  })

  it('stop() ends the thread at once, and throws TypeError while bytes are deferred', () => {
    const before = runningThreads()
    writer.defer(bytes, 0, 1)
    assert.equal(runningThreads(), before + 1)
    assert.throws(() => writer.stop(), TypeError)
    writer.flush()
    writer.stop()
    assert.equal(runningThreads(), before)
    writer.stop()
    writer.defer(bytes, 1, 2)
    assert.equal(runningThreads(), before + 1)
    assert.equal(writer.flush(), 1)
    assert.equal(buffer.toString('latin1', 0, read(right, buffer)), '01')
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
    it(`throws a RangeError for a range outside the buffer, and defers no byte of it (${from} to ${end})`, () => {
      assert.throws(() => writer.defer(bytes, from, end), RangeError)
      assert.equal(writer.isPending, false)
      assert.equal(writer.flush(), 0)
      writer.defer(bytes, 0, 3)
      assert.throws(() => writer.defer(bytes, from, end), RangeError)
      assert.equal(writer.flush(), 3)
      assert.equal(read(right, buffer), 3)
    })
  }

  it('throws a TypeError if the buffer is not a typed array or a position is not a number', () => {
    for (const value of ['abc', new ArrayBuffer(8), {}, null, undefined])
      assert.throws(() => writer.defer(value as Buffer, 0, 1), { name: 'TypeError', message: /typed array/ })
    assert.throws(() => writer.defer(bytes, '2' as unknown as number, 4), TypeError)
    assert.throws(() => writer.defer(bytes, 0, undefined as unknown as number), TypeError)
    assert.equal(writer.flush(), 0)
  })

  it('throws a TypeError for a second buffer before flush(), and still writes the first one', () => {
    writer.defer(bytes, 0, 8)
    assert.throws(() => writer.defer(Buffer.alloc(100_000), 0, 100_000), { name: 'TypeError', message: /flush/ })
    assert.equal(writer.flush(), 8)
    assert.equal(buffer.toString('latin1', 0, read(right, buffer)), '01234567')
  })

  it('throws EPIPE on flush() if the peer has closed its socket', () => {
    right.close()
    writer.defer(bytes, 0, 1)
    assert.throws(() => writer.flush(), { code: 'EPIPE' })
    left.close()
  })

  it('keeps itself and its deferred buffer alive until flush(), even without a reference from the program', async () => {
    const [ours, theirs] = socketpair()
    setNonblocking(ours, true)
    let filled = 0
    for (let n: number; (n = tryWrite(ours, Buffer.alloc(1 << 16, 'F'))) > 0; ) filled += n
    setNonblocking(ours, false)
    const defer = (): [WeakRef<DeferredWriter>, WeakRef<Buffer>] => {
      const unreferenced = new DeferredWriter(ours)
      const deferred = Buffer.alloc(60_000, 'P')
      unreferenced.defer(deferred, 0, deferred.length)
      return [new WeakRef(unreferenced), new WeakRef(deferred)]
    }
    const [writerRef, bufferRef] = defer()
    await collectGarbage()
    assert.ok(writerRef.deref() && bufferRef.deref())
    const receiver = new StreamReceiver(theirs)
    const received = Buffer.alloc(filled + 60_000)
    for (let length = 0; length < received.length; await new Promise(setImmediate))
      length += Math.max(0, receiver.receive(received, length, { dontWait: true }))
    assert.ok(received.equals(Buffer.alloc(received.length, 'P').fill('F', 0, filled)))
    assert.equal(writerRef.deref()!.flush(), 60_000)
    await collectGarbage()
    assert.equal(bufferRef.deref(), undefined)
    ours.close()
    theirs.close()
  })

  it('writes the deferred bytes when the thread of its owner ends, and leaves no thread behind', () => {
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
