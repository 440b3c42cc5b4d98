import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import {
  accept,
  connect,
  type Descriptor,
  dup,
  hasEnded,
  isCloseOnExec,
  keepPath,
  listen,
  peerCredentials,
  pipe,
  recv,
  send,
  setNonblocking,
  shutdown,
} from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('shutdown()', () => {
  const sockets = useSocketPair()

  it('ends one direction of a connection, and leaves the other one open', () => {
    const { left, right } = sockets
    shutdown(left, 'write')
    assert.equal(recv(right), undefined)
    assert.equal(hasEnded(right), true)
    send(right, 0)
    assert.equal(hasEnded(left), false)
    recv(left)!.close()
    assert.equal(hasEnded(left), false)
  })

  it('throws a TypeError for an invalid direction', () => {
    assert.throws(() => shutdown(sockets.left, 'sideways' as 'read'), TypeError)
  })

  it('for reading makes the peer’s sends throw EPIPE, and leaves the queued descriptors to the reader', () => {
    const { left, right } = sockets
    send(left, 0)
    shutdown(right, 'read')
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(right)!.close()
    assert.equal(recv(right), undefined)
  })
})

describe('listen(), accept(), and connect()', () => {
  useSocketPair()

  it('connect close-on-exec sockets through a path or an abstract name, with the credentials of the peer', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    for (const path of [join(folder, 'socket'), `\0anyfork-test-${process.pid}`]) {
      const listener = listen(path, { backlog: 1 })
      setNonblocking(listener, true)
      assert.throws(() => accept(listener), { code: 'EAGAIN' })
      const client = connect(path)
      const served = accept(listener)
      send(client, 0)
      recv(served)!.close()
      assert.deepEqual(peerCredentials(served), { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() })
      for (const descriptor of [listener, client, served]) {
        assert.equal(isCloseOnExec(descriptor), true)
        descriptor.close()
      }
    }
    rmSync(folder, { recursive: true })
  })

  it('replace a socket file without a listener, but no other file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    for (let i = 0; i < 2; i++) listen(join(folder, 'socket')).close()
    writeFileSync(join(folder, 'file'), 'precious')
    assert.throws(() => listen(join(folder, 'file')), { code: 'EADDRINUSE' })
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'precious')
    rmSync(folder, { recursive: true })
  })

  it('throw the error of the kernel for a path without a listener, and for an invalid path', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    listen(join(folder, 'socket')).close()
    assert.throws(() => connect(join(folder, 'socket')), { code: 'ECONNREFUSED' })
    assert.throws(() => connect(join(folder, 'absent')), { code: 'ENOENT' })
    assert.throws(() => connect('x'.repeat(200)), { code: 'ENAMETOOLONG' })
    assert.throws(() => connect('a\0b'), { code: 'EINVAL' })
    assert.throws(() => connect(''), { code: 'EINVAL' })
    rmSync(folder, { recursive: true })
  })

  it('throw EADDRINUSE for the path of a listener, even if its queue is full, without connecting to it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const path = join(folder, 'socket')
    const listener = listen(path, { backlog: 0 })
    setNonblocking(listener, true)
    assert.throws(() => listen(path), { code: 'EADDRINUSE' })
    assert.throws(() => accept(listener), { code: 'EAGAIN' })
    const waiting: Descriptor[] = []
    assert.throws(
      () => {
        for (;;) waiting.push(connect(path))
      },
      { code: 'EAGAIN' },
    )
    assert.throws(() => listen(path), { code: 'EADDRINUSE' })
    const served = accept(listener)
    // The connections that remain open do not keep the path in use.
    listener.close()
    listen(path).close()
    for (const descriptor of [served, ...waiting]) descriptor.close()
    rmSync(folder, { recursive: true })
  })

  it('throw EAGAIN if the queue of the listener is full', () => {
    const path = `\0anyfork-backlog-${process.pid}`
    const listener = listen(path, { backlog: 0 })
    const waiting: Descriptor[] = []
    assert.throws(
      () => {
        for (;;) waiting.push(connect(path))
      },
      { code: 'EAGAIN' },
    )
    for (const descriptor of [listener, ...waiting]) descriptor.close()
  })
})

describe('keepPath()', () => {
  const sockets = useSocketPair()

  for (const kind of ['absolute', 'relative'] as const) {
    it(`keeps the socket file of a server after the server has closed (${kind} path)`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const [kept, removed] = ['kept', 'removed'].map(name =>
        kind === 'absolute' ? join(folder, name) : relative('.', join(folder, name)),
      ) as [string, string]
      const servers = [kept, removed].map(path => createServer().listen(path))
      await Promise.all(servers.map(server => once(server, 'listening')))
      keepPath(servers[0]!)
      const listener = dup(servers[0]!)
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
      assert.deepEqual([existsSync(kept), existsSync(removed)], [true, false])
      const client = connect(kept)
      for (const descriptor of [accept(listener), client, listener]) descriptor.close()
      assert.throws(() => keepPath(servers[0]!), TypeError)
      rmSync(folder, { recursive: true })
    })
  }

  it('does nothing for a socket without a path, and throws ENOTSOCK for a pipe', async () => {
    const { left, right } = sockets
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const socket of [server, left, right]) keepPath(socket)
    const [reader, writer] = pipe()
    assert.throws(() => keepPath(reader), { code: 'ENOTSOCK' })
    for (const end of [reader, writer]) end.close()
    await new Promise(resolve => server.close(resolve))
  })
})
