import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createServer } from 'node:net'
import {
  assertUnixSocket,
  DeferredWriter,
  Descriptor,
  DescriptorReceiver,
  type Handle,
  listen,
  pipe,
  type SocketType,
  setNonblocking,
  socketKind,
  socketpair,
} from '@anyfork/fdpass'
import { afterEach, describe, it } from 'mocha'

describe('socketKind()', () => {
  const opened: Disposable[] = []
  const open = <T extends readonly Disposable[]>(...some: T): T => {
    opened.push(...some)
    return some
  }
  afterEach(() => opened.splice(0).forEach(one => void one[Symbol.dispose]()))

  const tcp = async (): Promise<Handle> => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    open({ [Symbol.dispose]: () => server.close() })
    return server
  }
  const udp = async (): Promise<Handle> => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    open({ [Symbol.dispose]: () => socket.close() })
    return socket
  }
  const listener = (): Handle => open(listen(`\0anyfork-kind-${process.pid}`))[0]
  const pair = (type?: SocketType): Handle => open(...socketpair({ type: type! }))[0]
  const closed = (): number => {
    const [one, other] = socketpair()
    const { fd } = one
    one.close()
    other.close()
    return fd
  }

  it('reports the family and the type of a socket, and whether it listens', async () => {
    for (const type of ['stream', 'seqpacket', 'dgram'] as const)
      assert.deepEqual(socketKind(pair(type)), { isUnix: true, type, isListening: false })
    assert.deepEqual(socketKind(listener()), { isUnix: true, type: 'stream', isListening: true })
    assert.deepEqual(socketKind(await tcp()), { isUnix: false, type: 'stream', isListening: true })
    assert.deepEqual(socketKind(await udp()), { isUnix: false, type: 'dgram', isListening: false })
  })

  it('throws ENOTSOCK for a pipe, EBADF for a closed socket, and a TypeError for an object without a descriptor', () => {
    const [readEnd] = open(...pipe())
    assert.throws(() => socketKind(readEnd), { code: 'ENOTSOCK' })
    assert.throws(() => socketKind(closed()), { code: 'EBADF' })
    assert.throws(() => socketKind({}), TypeError)
  })

  it('lets assertUnixSocket() throw a TypeError for sockets that listen or are of another family or type', async () => {
    assertUnixSocket(pair())
    assertUnixSocket(pair('dgram'), ['seqpacket', 'dgram'])
    assert.throws(() => assertUnixSocket(pair('seqpacket')), {
      name: 'TypeError',
      message: /type stream, not seqpacket/,
    })
    assert.throws(() => assertUnixSocket(listener()), { name: 'TypeError', message: /listens/ })
    for (const other of [await tcp(), await udp()])
      assert.throws(() => assertUnixSocket(other, ['stream', 'dgram']), { name: 'TypeError', message: /AF_UNIX/ })
    assert.throws(() => assertUnixSocket(closed()), { code: 'EBADF' })
  })

  it('lets DescriptorReceiver accept only AF_UNIX sockets that do not listen', async () => {
    new DescriptorReceiver(pair())
    new DescriptorReceiver(pair('seqpacket'))
    new DescriptorReceiver(pair('dgram'))
    for (const other of [listener(), await tcp(), await udp()])
      assert.throws(() => new DescriptorReceiver(other), TypeError)
    assert.throws(() => new DescriptorReceiver(open(...pipe())[0]), { code: 'ENOTSOCK' })
    assert.throws(() => new DescriptorReceiver(closed()), { code: 'EBADF' })
  })

  it('lets DeferredWriter accept only blocking AF_UNIX stream sockets that do not listen', async () => {
    const nonblocking = pair()
    setNonblocking(nonblocking, true)
    for (const other of [pair('dgram'), pair('seqpacket'), listener(), await tcp(), nonblocking])
      assert.throws(() => new DeferredWriter(other), TypeError)
    const [file] = open(new Descriptor(openSync('/dev/null', 'w')))
    for (const other of [file, open(...pipe())[1]]) assert.throws(() => new DeferredWriter(other), { code: 'ENOTSOCK' })
    assert.throws(() => new DeferredWriter(closed()), { code: 'EBADF' })
  })
})
