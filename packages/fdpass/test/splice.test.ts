import assert from 'node:assert/strict'
import { type Descriptor, pipe, read, shutdown, socketpair, splice, watch, write } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { before, describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('splice()', () => {
  before(function () {
    if (!isLinux) this.skip()
  })

  const sockets = useSocketPair()
  const withPipe = (test: (reader: Descriptor, writer: Descriptor) => void | Promise<void>) => async () => {
    const [reader, writer] = pipe()
    try {
      await test(reader, writer)
    } finally {
      for (const end of [reader, writer]) end[Symbol.dispose]()
    }
  }

  it(
    'moves bytes from a socket to a pipe, and on to a socket',
    withPipe((reader, writer) => {
      const { left, right } = sockets
      write(left, Buffer.from('some bytes'))
      assert.equal(splice(right, writer, 4), 4)
      assert.equal(splice(right, writer), 6)
      assert.equal(splice(reader, right), 10)
      const buffer = Buffer.alloc(20)
      assert.equal(buffer.toString('utf8', 0, read(left, buffer)), 'some bytes')
    }),
  )

  it(
    'returns 0 at the end of the stream, and leaves what is in the pipe',
    withPipe((reader, writer) => {
      const { left, right } = sockets
      write(left, Buffer.from('last'))
      shutdown(left, 'write')
      assert.equal(splice(right, writer), 4)
      assert.equal(splice(right, writer), 0)
      writer.close()
      assert.equal(splice(reader, right), 4)
      assert.equal(splice(reader, right), 0)
    }),
  )

  it(
    'throws EAGAIN while there is nothing to move, or no room',
    withPipe((reader, writer) => {
      const { left, right } = sockets
      assert.throws(() => splice(right, writer), { code: 'EAGAIN' })
      assert.throws(() => splice(reader, right), { code: 'EAGAIN' })
      const piece = Buffer.alloc(1 << 16)
      write(writer, piece)
      write(left, Buffer.from('more'))
      assert.throws(() => splice(right, writer), { code: 'EAGAIN' })
      assert.equal(splice(reader, right, piece.length), piece.length)
      assert.equal(splice(right, writer), 4)
    }),
  )

  it(
    'throws the error of the kernel for a peer that is gone, two sockets, and a closed descriptor',
    withPipe((reader, writer) => {
      const { left, right } = sockets
      assert.throws(() => splice(left, right), { code: 'EINVAL' })
      write(writer, Buffer.from('in vain'))
      left.close()
      assert.throws(() => splice(reader, right), { code: 'EPIPE' })
      assert.throws(() => splice(left, writer), { code: 'EBADF' })
    }),
  )

  it(
    'throws a TypeError for an invalid length',
    withPipe((_reader, writer) => {
      for (const length of [0, -1, 1.5, 2 ** 32, '1' as never])
        assert.throws(() => splice(sockets.right, writer, length), TypeError)
    }),
  )

  it(
    'moves every byte of a long stream, whatever the room',
    withPipe(async (reader, writer) => {
      const { left, right } = sockets
      const [far, near] = socketpair() as [Descriptor, Descriptor]
      const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251))
      const received: Buffer[] = []
      let at = 0
      const writing = watch(left, { writable: true }, () => {
        at += write(left, sent, at)
        if (at < sent.length) return
        shutdown(left, 'write')
        writing.close()
      })
      const relay = async (from: Descriptor, to: Descriptor): Promise<void> => {
        for (;;) {
          try {
            if (splice(from, to) === 0) return
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
            await new Promise(resolve => setImmediate(resolve))
          }
        }
      }
      const buffer = Buffer.alloc(1 << 16)
      const reading = new Promise<void>(resolve => {
        const watching = watch(far, { readable: true }, () => {
          const bytes = read(far, buffer)
          received.push(Buffer.from(buffer.subarray(0, bytes)))
          if (bytes === 0) resolve(watching.close())
        })
      })
      watch(near, {}, () => {}) // makes it non-blocking
      await Promise.all([
        relay(right, writer).then(() => writer.close()),
        relay(reader, near).then(() => near.close()),
        reading,
      ])
      assert.ok(Buffer.concat(received).equals(sent))
      far.close()
    }),
  )
})
