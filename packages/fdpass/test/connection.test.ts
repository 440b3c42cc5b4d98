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

describe('listen(), accept(), and connect()', () => {
  const sockets = useSocketPair()

  it('goes on in the other direction after one was shut down', () => {
    const { left, right } = sockets
    shutdown(left, 'write')
    assert.equal(recv(right), undefined)
    assert.equal(hasEnded(right), true)
    send(right, 0)
    assert.equal(hasEnded(left), false)
    recv(left)!.close()
    assert.equal(hasEnded(left), false)
    assert.throws(() => shutdown(left, 'sideways' as 'read'), TypeError)
  })

  it('gives what is queued to a reader that has shut down reading, and its peer is told by EPIPE', () => {
    const { left, right } = sockets
    send(left, 0)
    shutdown(right, 'read')
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(right)!.close()
    assert.equal(recv(right), undefined)
  })

  it('connects through a path or an abstract name, and tells who is there', () => {
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
    const again = listen(join(folder, 'socket')) // replaces what was left behind
    again.close()
    assert.throws(() => connect(join(folder, 'socket')), { code: 'ECONNREFUSED' })
    assert.throws(() => connect(join(folder, 'absent')), { code: 'ENOENT' })
    assert.throws(() => connect('x'.repeat(200)), { code: 'ENAMETOOLONG' })
    assert.throws(() => connect('a\0b'), { code: 'EINVAL' })
    assert.throws(() => connect(''), { code: 'EINVAL' })
    writeFileSync(join(folder, 'file'), 'precious')
    assert.throws(() => listen(join(folder, 'file')), { code: 'EADDRINUSE' })
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'precious')
    rmSync(folder, { recursive: true })
  })

  it('does not take the path of who listens there, however full its queue, and does not call there', () => {
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
    // Who was accepted there does not listen.
    listener.close()
    listen(path).close()
    for (const descriptor of [served, ...waiting]) descriptor.close()
    rmSync(folder, { recursive: true })
  })

  for (const where of ['absolute', 'relative'] as const) {
    it(`leaves the file of a server whose path is to be kept (${where})`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const [kept, removed] = ['kept', 'removed'].map(name =>
        where === 'absolute' ? join(folder, name) : relative('.', join(folder, name)),
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

  it('has no path to keep of what Node bound to none', async () => {
    const { left, right } = sockets
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const socket of [server, left, right]) keepPath(socket)
    const [reader, writer] = pipe()
    assert.throws(() => keepPath(reader), { code: 'ENOTSOCK' })
    for (const end of [reader, writer]) end.close()
    await new Promise(resolve => server.close(resolve))
  })

  it('is EAGAIN when the queue of a listener is full', () => {
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
