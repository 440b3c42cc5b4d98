import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, rmSync, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type AddressInfo, connect as connectTo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { dup, socketpair as fdpassSocketpair, isNonblocking, pipe, sendMessage, shutdown } from '@anyfork/fdpass'
import { Descriptor, FdPasser, type FdPasserOptions, type Handle, server, socketpair } from '@anyfork/fdpasser'
import { openDescriptors, taggedPipe, tagOf, until } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { assertDescriptorCount } from './support/descriptor-count.js'

describe('FdPasser', () => {
  let left: FdPasser
  let right: FdPasser
  let errors: unknown[]
  let before: number

  const connect = (options: FdPasserOptions = {}): void => {
    left?.destroy()
    right?.destroy()
    const [one, other] = socketpair()
    left = new FdPasser({ ...options, fd: one })
    right = new FdPasser({ ...options, fd: other, onError: error => errors.push(error) })
  }

  beforeEach(() => {
    before = openDescriptors()
    errors = []
    connect()
  })
  afterEach(async () => {
    await Promise.all([left.close(), right.close()])
    await assertDescriptorCount(before)
  })

  for (const batch of [1, 32, 253]) {
    it(`passes descriptors in order and both ways at once (batch ${batch})`, async () => {
      connect({ batch })
      const flood = async (from: FdPasser): Promise<void> => {
        for (let i = 0; i < 1000; i++) {
          void from.pushSend(taggedPipe(`${i}`))
          if (from.pressure >= 1) await from.drained()
        }
      }
      const drain = async (to: FdPasser): Promise<void> => {
        for (let i = 0; i < 1000; i++) assert.equal(tagOf(await to.pushRecv()), `${i}`)
      }
      await Promise.all([flood(left), flood(right), drain(left), drain(right)])
    })
  }

  it('closes the handles that it has sent, except those sent with keep', async () => {
    const descriptor = taggedPipe('a')
    const number = openSync('/dev/null', 'r')
    const file = await open('/dev/null')
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const kept = openSync('/dev/null', 'r')
    await Promise.all([
      left.pushSend(descriptor),
      left.pushSend(number),
      left.pushSend(file),
      left.pushSend(server),
      left.pushSend(kept, { keep: true }),
    ])
    assert.equal(descriptor.isOpen, false)
    assert.throws(() => fstatSync(number), { code: 'EBADF' })
    assert.equal(server.listening, false)
    new Descriptor(kept).close()
    for (let i = 0; i < 5; i++) (await right.pushRecv()).close()
    await until(() => file.fd < 0 && openDescriptors() <= before + 4) // a FileHandle closes asynchronously
  })

  it('keeps the socket file of a sent server, and removes that of a rejected server or of a kept one on close', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const path = join(folder, 'socket')
    const serve = async (): Promise<Server> => {
      const server = createServer(socket => socket.end('from the sender')).listen(path)
      await once(server, 'listening')
      return server
    }
    const server = await serve()
    const first = connectTo(path) // stays in the queue of the listener until a process accepts it
    await left.pushSend(server, { keep: true })
    ;(await right.pushRecv()).close()
    assert.equal(await text(first), 'from the sender')
    await left.pushSend(server)
    assert.equal(server.listening, false)
    const received = await right.pushRecv()
    const other = createServer(socket => socket.end('from the receiver')).listen({ fd: received.release() })
    assert.equal(await text(connectTo(path)), 'from the receiver')
    await new Promise(resolve => other.close(resolve))
    assert.ok(existsSync(path))
    unlinkSync(path)

    const kept = await serve()
    await left.pushSend(kept, { keep: true })
    ;(await right.pushRecv()).close()
    assert.ok(existsSync(path))
    await new Promise(resolve => kept.close(resolve))
    assert.ok(!existsSync(path))

    const rejected = await serve()
    left.destroy()
    await assert.rejects(left.pushSend(rejected), { code: 'ERR_PASSER_CLOSED' })
    assert.ok(!existsSync(path))
    rmSync(folder, { recursive: true })
  })

  it('delivers the next descriptor after a callback has thrown, and rethrows the error as an uncaught exception', async () => {
    const thrown = new Promise(resolve => {
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', error => {
        for (const other of others) process.on('uncaughtException', other)
        resolve(error.message)
      })
    })
    right.pushRecv((_error, descriptor) => {
      descriptor!.close()
      throw new Error('thrown by a callback')
    })
    const second = right.pushRecv()
    void left.pushSend(taggedPipe('a'))
    void left.pushSend(taggedPipe('b'))
    assert.equal(await thrown, 'thrown by a callback')
    assert.equal(tagOf(await second), 'b')
  })

  it('is an async iterable that ends with the connection', async () => {
    for (const tag of ['a', 'b', 'c']) void left.pushSend(taggedPipe(tag))
    void left.close()
    const tags: string[] = []
    for await (const descriptor of right) tags.push(tagOf(descriptor))
    assert.deepEqual(tags, ['a', 'b', 'c'])
    assert.deepEqual(errors, [undefined])
  })

  it('reports the end of the connection while it is idle', async () => {
    left.destroy()
    await until(() => errors.length > 0)
    assert.deepEqual(errors, [undefined])
    await assert.rejects(right.pushRecv(), { code: 'ERR_PASSER_ENDED' })
    await assert.rejects(right.pushSend(taggedPipe('late')), { code: 'ERR_PASSER_ENDED' })
  })

  it('delivers the descriptors that were sent before the end, and only then reports the end', async () => {
    for (const tag of ['a', 'b']) await left.pushSend(taggedPipe(tag))
    left.destroy()
    await new Promise(resolve => setTimeout(resolve, 10))
    assert.deepEqual(errors, [])
    assert.equal(tagOf(await right.pushRecv()), 'a')
    assert.equal(tagOf(await right.pushRecv()), 'b')
    await assert.rejects(right.pushRecv(), { code: 'ERR_PASSER_ENDED' })
  })

  it('continues to send after the peer has shut down its sending direction', async () => {
    const [one, other] = socketpair()
    const sameEnd = dup(other)
    const passer = new FdPasser({ fd: one })
    const peer = new FdPasser({ fd: other })
    const many = Array.from({ length: 500 }, (_, i) => passer.pushSend(taggedPipe(`${i}`)))
    const receiving = passer.pushRecv()
    shutdown(sameEnd, 'write')
    sameEnd.close()
    await assert.rejects(receiving, { code: 'ERR_PASSER_ENDED' })
    for (let i = 0; i < 500; i++) assert.equal(tagOf(await peer.pushRecv()), `${i}`)
    await Promise.all(many)
    peer.destroy()
  })

  it('rejects the pending pushRecv() and pushSend() calls when the peer is destroyed', async () => {
    const receiving = right.pushRecv()
    const sending = Array.from({ length: 500 }, () => right.pushSend(taggedPipe('x')))
    await sending[0]
    left.destroy()
    const settled = await Promise.allSettled([receiving, ...sending])
    assert.equal(settled[0]!.status, 'rejected')
    assert.ok(
      settled.some(({ status }) => status === 'fulfilled') &&
        settled.slice(1).some(({ status }) => status === 'rejected'),
    )
  })

  it('closes the queued descriptors of both directions when destroyed', async () => {
    const settled = Promise.allSettled([
      left.pushRecv(),
      ...Array.from({ length: 500 }, () => left.pushSend(taggedPipe('x'))),
    ])
    connect({ batch: 4 })
    for (let i = 0; i < 4; i++) void left.pushSend(taggedPipe('x'))
    ;(await right.pushRecv()).close() // its message has brought three more
    right.destroy()
    for (const one of (await settled).filter(({ status }) => status === 'rejected'))
      assert.equal((one as PromiseRejectedResult).reason.code, 'ERR_PASSER_CLOSED')
  })

  it('rejects a closed descriptor of a batch with EBADF, and sends the others', async () => {
    for (const batch of [1, 8]) {
      connect({ batch })
      const [readEnd, writeEnd] = pipe()
      const bad = openSync('/dev/null', 'r')
      const sent = [left.pushSend(taggedPipe('a')), left.pushSend(bad, { keep: true }), left.pushSend(taggedPipe('b'))]
      if (batch === 8) new Descriptor(bad).close()
      const outcome = await Promise.allSettled(sent)
      assert.deepEqual(
        outcome.map(({ status }) => status),
        ['fulfilled', batch === 8 ? 'rejected' : 'fulfilled', 'fulfilled'],
      )
      if (batch === 8) assert.equal((outcome[1] as PromiseRejectedResult).reason.code, 'EBADF')
      assert.equal(tagOf(await right.pushRecv()), 'a')
      if (batch === 1) (await right.pushRecv()).close()
      if (batch === 1) new Descriptor(bad).close()
      assert.equal(tagOf(await right.pushRecv()), 'b')
      readEnd.close()
      writeEnd.close()
    }
  })

  for (const batch of [1, 2, 8]) {
    it(`rejects only the handles that were closed before they were sent (batch ${batch})`, async () => {
      connect({ batch })
      const kept = taggedPipe('never sent')
      const file = await open('/dev/null')
      const handles = [taggedPipe('a'), taggedPipe('b'), kept, taggedPipe('c'), file, taggedPipe('d')]
      const outcomes = Promise.allSettled(
        handles.map(handle => left.pushSend(handle, { keep: handle === kept || handle === file })),
      )
      kept.close()
      const closed = file.close()
      const codes = (await outcomes).map(outcome =>
        outcome.status === 'rejected' ? (outcome.reason as NodeJS.ErrnoException).code : 'sent',
      )
      assert.deepEqual(codes, ['sent', 'sent', 'EBADF', 'sent', 'EBADF', 'sent'])
      for (const tag of ['a', 'b', 'c', 'd']) assert.equal(tagOf(await right.pushRecv()), tag)
      await closed
    })
  }

  it('rejects a Descriptor that was closed by its number with EBADF, and sends the others', async () => {
    const closed = taggedPipe('never sent')
    const { fd } = closed
    const outcomes = Promise.allSettled([
      left.pushSend(taggedPipe('a')),
      left.pushSend(closed),
      left.pushSend(taggedPipe('b')),
    ])
    closeSync(fd)
    assert.deepEqual(
      (await outcomes).map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'sent')),
      ['sent', 'EBADF', 'sent'],
    )
    for (const tag of ['a', 'b']) assert.equal(tagOf(await right.pushRecv()), tag)
  })

  it('rejects a socket that was destroyed before it was sent with EBADF', async () => {
    const [one, other] = socketpair()
    const socket = one.toSocket()
    const sending = left.pushSend(socket)
    socket.destroy()
    await assert.rejects(sending, { code: 'EBADF' })
    other.close()
  })

  it('rejects handles after close() with ERR_PASSER_CLOSED, closes them except with keep, and sends the earlier ones', async () => {
    const sent = Array.from({ length: 500 }, (_, i) => left.pushSend(taggedPipe(`${i}`)))
    await sent[0]
    const closing = left.close()
    const late = taggedPipe('late')
    const number = taggedPipe('late').release()
    const kept = taggedPipe('kept')
    await assert.rejects(left.pushSend(late), { code: 'ERR_PASSER_CLOSED' })
    await assert.rejects(left.pushSend(number), { code: 'ERR_PASSER_CLOSED' })
    await assert.rejects(left.pushSend(kept, { keep: true }), { code: 'ERR_PASSER_CLOSED' })
    assert.equal(late.isOpen, false)
    assert.throws(() => fstatSync(number), { code: 'EBADF' })
    assert.equal(tagOf(kept), 'kept')
    for (let i = 0; i < 500; i++) assert.equal(tagOf(await right.pushRecv()), `${i}`)
    await Promise.all([closing, ...sent])
    await assert.rejects(right.pushRecv(), { code: 'ERR_PASSER_ENDED' })
  })

  it('resolves the other sends if closing a sent handle destroys the passer', async () => {
    const handles = [1, 2, 3].map(() => {
      const descriptor = taggedPipe('x')
      return {
        fd: descriptor.fd,
        close(): void {
          descriptor[Symbol.dispose]()
          left.destroy()
        },
      }
    })
    const outcomes = await Promise.allSettled(handles.map(handle => left.pushSend(handle)))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    )
    for (let i = 0; i < 3; i++) tagOf(await right.pushRecv())
  })

  it('ends with EPROTO when it receives a byte without a descriptor', async () => {
    const [one, other] = socketpair()
    const errors: unknown[] = []
    const passer = new FdPasser({ fd: one, onError: error => errors.push(error) })
    sendMessage(other, Buffer.from('x'))
    await assert.rejects(passer.pushRecv(), { code: 'EPROTO' })
    assert.deepEqual(
      errors.map(error => (error as NodeJS.ErrnoException).code),
      ['EPROTO'],
    )
    other.close()
  })

  it('leaves its socket blocking with dontSetNonblocking, and does not block the event loop', async () => {
    const [one, other] = socketpair()
    const passer = new FdPasser({ fd: one.fd, dontSetNonblocking: true })
    const sent = Array.from({ length: 400 }, (_, i) => passer.pushSend(taggedPipe(`${i}`)))
    assert.equal(isNonblocking(one), false)
    const peer = new FdPasser({ fd: other, dontSetNonblocking: true })
    for (let i = 0; i < 400; i++) assert.equal(tagOf(await peer.pushRecv()), `${i}`)
    await Promise.all(sent)
    assert.equal(isNonblocking(one), false)
    one.release()
    passer.destroy()
    peer.destroy()
  })

  it('reports the pressure of its queue, and resolves drained() when the pressure falls below 1', async () => {
    connect({ highWaterMark: 4 })
    const sent = Array.from({ length: 300 }, () => left.pushSend(taggedPipe('x')))
    assert.ok(left.pressure >= 1)
    const drained = left.drained()
    for (let i = 0; i < 300; i++) tagOf(await right.pushRecv())
    await drained
    assert.ok(left.pressure < 1)
    await Promise.all(sent)
  })

  for (const type of ['seqpacket', 'dgram'] as const) {
    it(`passes descriptors over a socket of type ${type}`, async () => {
      const [one, other] = fdpassSocketpair({ type })
      const [sender, receiver] = [new FdPasser({ fd: one }), new FdPasser({ fd: other })]
      const number = openSync('/dev/null', 'r')
      const { ino } = fstatSync(number)
      await sender.pushSend(number)
      const received = await receiver.pushRecv()
      assert.equal(fstatSync(received.fd).ino, ino)
      received.close()
      sender.destroy()
      receiver.destroy()
    })
  }

  it('takes ownership only of AF_UNIX sockets that do not listen, and leaves other handles open and unchanged', async () => {
    const tcp = createServer().listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const client = connectTo((tcp.address() as AddressInfo).port, '127.0.0.1')
    const [[accepted]] = await Promise.all([once(tcp, 'connection') as Promise<[Socket]>, once(client, 'connect')])
    const udp = createSocket('udp4')
    udp.connect((tcp.address() as AddressInfo).port, '127.0.0.1')
    await once(udp, 'connect')
    const listener = server(`\0anyfork-passer-${process.pid}`)
    const ends = pipe()
    for (const [fd, error] of [
      [client, TypeError],
      [udp, TypeError],
      [listener, TypeError],
      [ends[0], { code: 'ENOTSOCK' }],
      [9999, { code: 'EBADF' }],
    ] as [Handle, typeof TypeError][]) {
      const [one, other] = socketpair()
      for (const pair of [fd, [fd], [one, fd], [fd, one], [one.fd, fd]] as Handle[])
        assert.throws(() => new FdPasser({ fd: pair }), error)
      one.close() // fails if the passer has closed it
      other.close()
    }
    for (const descriptor of [listener, ...ends]) {
      assert.equal(isNonblocking(descriptor), false)
      descriptor.close()
    }
    for (const socket of [client, accepted, tcp, udp]) 'destroy' in socket ? socket.destroy() : socket.close()
    await Promise.all([once(client, 'close'), once(accepted, 'close')])
  })

  for (const [how, end] of [
    ['destroyed', (passer: FdPasser): void => passer.destroy()],
    ['closed', (passer: FdPasser): Promise<void> => passer.close()],
    ['closed after iAmChild()', (passer: FdPasser): Promise<void> => passer.iAmChild().close()],
    [
      'closed after iAmParent() has thrown',
      (passer: FdPasser): Promise<void> =>
        assert.rejects(async () => passer.iAmParent(), { code: 'EBADF' }).then(() => passer.close()),
    ],
  ] as const) {
    it(`closes its second end when it is ${how}, even if the first end was closed by its number`, async () => {
      const [one, other] = socketpair()
      // Without a sentinel, which would take the number of the closed end.
      const passer = new FdPasser({ fd: [one.fd, other.fd], reservation: 'peek' })
      one.close()
      await end(passer)
      assert.throws(() => fstatSync(other.fd), { code: 'EBADF' })
      other.release()
    })
  }

  it('throws EEXIST for a socket that has a passer, which continues to work', async () => {
    const [one, other] = socketpair()
    const first = new FdPasser({ fd: one.fd })
    assert.throws(() => new FdPasser({ fd: one.fd }), { code: 'EEXIST' })
    assert.throws(() => new FdPasser({ fd: one }), { code: 'EEXIST' })
    assert.throws(() => new FdPasser({ fd: 0x7fffffff }), { code: 'EBADF' })
    assert.equal(one.isOpen, true)
    const peer = new FdPasser({ fd: other })
    void peer.pushSend(taggedPipe('a'))
    assert.equal(tagOf(await first.pushRecv()), 'a')
    one.release()
    await Promise.all([first.close(), peer.close()])
  })

  it('is not garbage-collected while it is connected, and reports the end of the connection', async () => {
    const program = `
      import { FdPasser, socketpair } from '@anyfork/fdpasser'
      const [one, other] = socketpair()
      new FdPasser({ fd: one, onError: error => console.log('ended', error) })
      new FdPasser().iAmParent().destroy()
      for (let i = 0; i < 10; i++) { gc(); await new Promise(setImmediate) }
      other.close()
      const keep = setInterval(() => {}, 1000)
      await new Promise(setImmediate); await new Promise(resolve => setTimeout(resolve, 50))
      clearInterval(keep)`
    const { stdout, status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.deepEqual([stdout, status], ['ended undefined\n', 0])
  })

  it('throws at the call for invalid handles and callbacks, and for iAmParent() without a socket pair', () => {
    assert.throws(() => new FdPasser({ fd: {} }), TypeError)
    const [one, other] = socketpair()
    assert.throws(() => new FdPasser({ fd: [one, one] }), TypeError)
    other.close()
    assert.throws(() => new FdPasser({ fd: [one, other] }), { code: 'EBADF' })
    one.close() // fails if the passer has closed it
    assert.throws(() => left.pushSend({}), TypeError)
    for (const callback of [5, 'x', {}, null, 0, true])
      assert.throws(() => left.pushRecv(callback as () => void), { name: 'TypeError', message: /callback/ })
    assert.throws(() => left.iAmParent(), TypeError)
  })
})
