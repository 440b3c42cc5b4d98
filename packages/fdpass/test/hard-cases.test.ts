import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  accept,
  connect,
  Descriptor,
  dup,
  type Handle,
  hasEnded,
  isCloseOnExec,
  isNonblocking,
  keepPath,
  listen,
  peerCredentials,
  pipe,
  read,
  receiveMessage,
  recv,
  send,
  sendMessage,
  setCloseOnExec,
  setNonblocking,
  shutdown,
  socketpair,
  write,
} from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

describe('fdpass', () => {
  let left: Descriptor
  let right: Descriptor
  let before: number

  beforeEach(() => {
    before = readdirSync('/proc/self/fd').length
    ;[left, right] = socketpair()
    setNonblocking(left, true)
    setNonblocking(right, true)
  })
  afterEach(async () => {
    left[Symbol.dispose]()
    right[Symbol.dispose]()
    // What Node closes in its own time, of a child process say, may be late.
    while (readdirSync('/proc/self/fd').length > before) await new Promise(setImmediate)
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('loses nothing to a full descriptor table', () => {
    const program = fileURLToPath(new URL('./fixtures/full-table.js', import.meta.url))
    const stdout = execFileSync('sh', ['-c', 'ulimit -n 48; exec "$@"', 'sh', process.execPath, program])
    assert.equal(stdout.toString(), 'done\n')
  })

  it('passes 253 descriptors in a message, and refuses 254 before it is sent', () => {
    assert.throws(() => sendMessage(left, Buffer.from('x'), new Array(254).fill(0)), RangeError)
    assert.equal(sendMessage(left, Buffer.from('x'), new Array(253).fill(0)), 1)
    const { descriptors } = receiveMessage(right, Buffer.alloc(1))
    assert.equal(descriptors.length, 253)
    for (const descriptor of descriptors) descriptor.close()
  })

  it('sends none of a message in which one descriptor is not open', () => {
    const closed = openSync('/dev/null', 'r')
    closeSync(closed)
    assert.throws(() => sendMessage(left, Buffer.from('x'), [0, 1, closed, 2]), { code: 'EBADF' })
    assert.throws(() => recv(right), { code: 'EAGAIN' })
  })

  it('refuses descriptors without a byte on a stream, and passes them with an empty packet', () => {
    assert.throws(() => sendMessage(left, Buffer.alloc(0), [0]), { code: 'EINVAL' })
    const [one, other] = socketpair({ type: 'seqpacket' })
    sendMessage(one, Buffer.alloc(0), [0])
    const { bytes, descriptors, endOfFile } = receiveMessage(other, Buffer.alloc(1))
    assert.deepEqual([bytes, descriptors.length, endOfFile], [0, 1, false])
    descriptors[0]!.close()
    one.close()
    assert.equal(receiveMessage(other, Buffer.alloc(1)).endOfFile, true)
    other.close()
  })

  it('gives plain data before descriptors together with them, and data after them on its own', () => {
    write(left, Buffer.from('AA'))
    sendMessage(left, Buffer.from('B'), [0])
    write(left, Buffer.from('CC'))
    sendMessage(left, Buffer.from('D'), [0])
    const got = [1, 2].map(() => {
      const buffer = Buffer.alloc(100)
      const { bytes, descriptors } = receiveMessage(right, buffer)
      for (const descriptor of descriptors) descriptor.close()
      return [buffer.toString('utf8', 0, bytes), descriptors.length]
    })
    assert.deepEqual(got, [
      ['AAB', 1],
      ['CCD', 1],
    ])
  })

  for (const type of ['stream', 'seqpacket'] as const) {
    it(`gives descriptors with their own bytes only, however small the parts in which those before them are read (${type})`, () => {
      const [one, other] = socketpair({ type })
      for (const text of ['A', 'AAA', 'A']) write(one, Buffer.from(text))
      sendMessage(one, Buffer.from('BBB'), [0])
      sendMessage(one, Buffer.from('C'), [0, 0])
      const got: string[] = []
      while (!got.at(-1)?.startsWith('C')) {
        const buffer = Buffer.alloc(1)
        const { descriptors } = receiveMessage(other, buffer)
        got.push(`${buffer.toString()}${descriptors.length}`)
        for (const descriptor of descriptors) descriptor.close()
      }
      assert.deepEqual(got.join(' '), type === 'stream' ? 'A0 A0 A0 A0 A0 B1 B0 B0 C2' : 'A0 A0 A0 B1 C2')
      one.close()
      other.close()
    })
  }

  it('refuses a byte without a descriptor that is followed by one with a descriptor, and loses neither', () => {
    write(left, Buffer.from('x'))
    const [readEnd, writeEnd] = pipe()
    send(left, writeEnd)
    assert.throws(() => recv(right), { code: 'EPROTO' })
    const received = recv(right)!
    assert.ok(fstatSync(received.fd).isFIFO())
    assert.throws(() => recv(right), { code: 'EAGAIN' })
    for (const descriptor of [received, readEnd, writeEnd]) descriptor.close()
  })

  it('keeps messages with descriptors apart, whatever the size of the buffer', () => {
    for (let i = 0; i < 3; i++) sendMessage(left, Buffer.from('x'), [0])
    for (let i = 0; i < 3; i++) {
      const { bytes, descriptors } = receiveMessage(right, Buffer.alloc(65536))
      assert.deepEqual([bytes, descriptors.length], [1, 1])
      descriptors[0]!.close()
    }
  })

  it('sends descriptors with the first part of a message that is taken in parts', () => {
    const big = Buffer.alloc(4 << 20, 'x')
    const taken = sendMessage(left, big, [0])
    assert.ok(taken > 0 && taken < big.length)
    assert.throws(() => sendMessage(left, big.subarray(taken), []), { code: 'EAGAIN' })
    let bytes = 0
    let descriptors = 0
    const buffer = Buffer.alloc(1 << 20)
    while (bytes < taken) {
      const message = receiveMessage(right, buffer)
      bytes += message.bytes
      for (const descriptor of message.descriptors) descriptor.close()
      descriptors += message.descriptors.length
    }
    assert.deepEqual([bytes, descriptors], [taken, 1])
  })

  it('refuses a byte without a descriptor, and one with several, with EPROTO', () => {
    write(left, Buffer.from('x'))
    assert.throws(() => recv(right), { code: 'EPROTO' })
    sendMessage(left, Buffer.from('x'), [0, 1])
    assert.throws(() => recv(right), { code: 'EPROTO' })
  })

  it('makes what it receives close-on-exec, and leaves O_NONBLOCK to all who share the file', () => {
    const [readEnd, writeEnd] = pipe()
    setCloseOnExec(readEnd, false)
    send(left, readEnd)
    const received = recv(right)!
    assert.equal(isCloseOnExec(received), true)
    assert.equal(isCloseOnExec(readEnd), false)
    assert.equal(isNonblocking(received), false)
    setNonblocking(received, true)
    assert.equal(isNonblocking(readEnd), true)
    for (const descriptor of [readEnd, writeEnd, received]) descriptor.close()
  })

  it('inherits nothing to programs that are started meanwhile', async () => {
    send(left, 0)
    const received = recv(right)!
    const child = spawn('ls', ['/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    const open = (await text(child.stdout)).trim().split('\n').map(Number)
    for (const descriptor of [left, right, received]) assert.ok(!open.includes(descriptor.fd))
    received.close()
    await closed
  })

  it('delivers what was sent by someone who has closed it, and ended, since', () => {
    const [readEnd, writeEnd] = pipe()
    write(writeEnd, Buffer.from('left behind'))
    writeEnd.close()
    send(left, readEnd)
    readEnd.close()
    left.close()
    const received = recv(right)!
    const buffer = Buffer.alloc(100)
    assert.equal(buffer.toString('utf8', 0, read(received, buffer)), 'left behind')
    received.close()
    assert.equal(recv(right), undefined)
  })

  it('tells of a peer that is gone with EPIPE, and what it has sent before with ECONNRESET after it', () => {
    send(right, 0)
    send(left, 0)
    right.close()
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(left)!.close()
    assert.throws(() => recv(left), { code: 'ECONNRESET' })
    assert.equal(recv(left), undefined)
  })

  it('goes on in the other direction after one was shut down', () => {
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
    send(left, 0)
    shutdown(right, 'read')
    assert.throws(() => send(left, 0), { code: 'EPIPE' })
    recv(right)!.close()
    assert.equal(recv(right), undefined)
  })

  it('tells by ECONNREFUSED that a socket of datagrams has no peer any more', () => {
    const [one, other] = socketpair({ type: 'dgram' })
    sendMessage(one, Buffer.from('x'), [0])
    other.close()
    assert.throws(() => sendMessage(one, Buffer.from('x'), [0]), { code: 'ECONNREFUSED' })
    one.close()
  })

  it('leaves it to the kernel to collect sockets that were sent over each other', async () => {
    const [readEnd, writeEnd] = pipe()
    send(left, writeEnd)
    send(left, right) // right waits in its own queue
    for (const descriptor of [writeEnd, left, right]) descriptor.close()
    ;[left, right] = socketpair()
    // The kernel looks for such cycles when some socket is closed.
    const collector = setInterval(() => socketpair().forEach(one => one.close()), 1)
    assert.equal(await text(readEnd.toSocket()), '')
    clearInterval(collector)
  })

  it('never hits a number that is in use again, however fast it is reused', async () => {
    let isOver = false
    const reuse = async (): Promise<void> => {
      while (!isOver) {
        const file = await open('/dev/null')
        assert.ok((await file.stat()).isCharacterDevice()) // EBADF, if somebody else had closed it
        await file.close()
      }
    }
    const reusing = Promise.all([reuse(), reuse(), reuse()])
    for (let i = 0; i < 3000; i++) {
      const descriptor = dup(0)
      descriptor.close()
      assert.throws(() => descriptor.close(), { code: 'EBADF' })
      if (i % 10 === 0) await new Promise(setImmediate)
    }
    isOver = true
    await reusing
  })

  it('refuses a full queue with EAGAIN, and what is refused is still the sender’s', () => {
    const [readEnd, writeEnd] = pipe()
    let sent = 0
    assert.throws(
      () => {
        for (; ; sent++) send(left, readEnd)
      },
      { code: 'EAGAIN' },
    )
    assert.ok(fstatSync(readEnd.fd).isFIFO())
    for (let i = 0; i < sent; i++) recv(right)!.close()
    readEnd.close()
    writeEnd.close()
  })

  it('passes descriptors 0, 1 and 2 in both roles', async () => {
    const program = `
      import { closeSync } from 'node:fs'
      import { recv, send, socketpair } from '@anyfork/fdpass'
      const [left, right] = socketpair()
      for (const fd of [0, 1, 2]) send(left, fd)
      closeSync(0)
      const received = [recv(right), recv(right), recv(right)]
      process.exit(received[0].fd === 0 && received.every(one => one.isOpen) ? 0 : 1)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  it('throws EBADF for a descriptor that was closed or handed over, and never hits a number that is in use again', () => {
    const first = dup(0)
    const number = first.fd
    first.close()
    const second = dup(0)
    assert.equal(second.fd, number)
    for (const use of [
      () => first.close(),
      () => first.fd,
      () => first.release(),
      () => send(left, first),
      () => read(first, Buffer.alloc(1)),
    ]) {
      assert.throws(use, { code: 'EBADF' })
    }
    assert.ok(fstatSync(number))
    const released = second.release()
    assert.throws(() => second.close(), { code: 'EBADF' })
    second[Symbol.dispose]()
    assert.ok(fstatSync(released))
    closeSync(released)
  })

  it('takes handles of all kinds: number, Descriptor, FileHandle, net.Socket, net.Server, dgram.Socket', async () => {
    const file = await open('/dev/null')
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const client = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
    await Promise.all([once(client, 'connect'), once(server, 'connection').then(([socket]) => socket.destroy())])
    const udp = createSocket('udp4')
    await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve))
    const handles: Handle[] = [0, left, file, server, client, udp]
    for (const handle of handles) {
      send(left, handle)
      recv(right)!.close()
    }
    const closed = [once(client, 'close'), once(server, 'close'), once(udp, 'close')]
    client.destroy()
    server.close()
    udp.close()
    await Promise.all([...closed, file.close()])
    for (const handle of [file, client, server, udp, {}, -1, 1.5, NaN, null, 'a'])
      assert.throws(() => send(left, handle as Handle), TypeError)
  }).timeout(5000)

  it('passes files of all kinds', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    writeFileSync(join(folder, 'file'), '')
    const kinds: [open: () => Descriptor, is: (fd: number) => boolean][] = [
      [() => new Descriptor(openSync(join(folder, 'file'), 'r')), fd => fstatSync(fd).isFile()],
      [() => new Descriptor(openSync(folder, 'r')), fd => fstatSync(fd).isDirectory()],
      [
        () => new Descriptor(openSync(folder, constants.O_DIRECTORY | 0o10000000 /* O_PATH */)),
        fd => fstatSync(fd).isDirectory(),
      ],
      [() => new Descriptor(openSync('/dev/null', 'r')), fd => fstatSync(fd).isCharacterDevice()],
      [() => dup(left), fd => fstatSync(fd).isSocket()],
    ]
    for (const [make, is] of kinds) {
      const descriptor = make()
      send(left, descriptor)
      descriptor.close()
      const received = recv(right)!
      assert.ok(is(received.fd))
      received.close()
    }
    rmSync(folder, { recursive: true })
  })

  it('passes a listening server that both sides accept on', async () => {
    const server = createServer(socket => socket.end('from the sender'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    send(left, server)
    const received = recv(right)!
    const { port } = server.address() as AddressInfo
    await new Promise<unknown>(resolve => server.close(resolve))
    const other = createServer(socket => socket.end('from the receiver')).listen({ fd: received.release() })
    await once(other, 'listening')
    const client = connectTcp(port, '127.0.0.1')
    assert.equal(await text(client), 'from the receiver')
    await new Promise<unknown>(resolve => other.close(resolve))
  })

  it('passes sockets within sockets, 100 deep', () => {
    const pairs = Array.from({ length: 100 }, () => socketpair())
    send(pairs[0]![0], 0)
    for (let i = 1; i < pairs.length; i++) {
      send(pairs[i]![0], pairs[i - 1]![1])
      pairs[i - 1]![1].close()
    }
    let at = pairs.at(-1)![1]
    for (let i = pairs.length - 1; i > 0; i--) {
      const inner = recv(at)!
      at.close()
      at = inner
    }
    recv(at)!.close()
    at.close()
    for (const [one] of pairs) one.close()
  })

  it('keeps the bounds of packets, and tells which were cut', () => {
    for (const type of ['seqpacket', 'dgram'] as const) {
      const [one, other] = socketpair({ type })
      sendMessage(one, Buffer.from('12345'), [0])
      sendMessage(one, Buffer.from('67'))
      const buffer = Buffer.alloc(3)
      const cut = receiveMessage(other, buffer)
      assert.deepEqual([cut.bytes, cut.truncated, cut.descriptors.length, buffer.toString()], [3, true, 1, '123'])
      cut.descriptors[0]!.close()
      assert.deepEqual(
        { ...receiveMessage(other, buffer), descriptors: 0 },
        { bytes: 2, descriptors: 0, endOfFile: false, truncated: false },
      )
      assert.throws(() => sendMessage(one, Buffer.alloc(1 << 20)), { code: 'EMSGSIZE' })
      one.close()
      other.close()
    }
    assert.throws(() => socketpair({ type: 'raw' as 'stream' }), TypeError)
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

  it('needs no non-blocking socket not to wait', () => {
    const [one, other] = socketpair()
    assert.throws(() => receiveMessage(one, Buffer.alloc(1), { dontWait: true }), { code: 'EAGAIN' })
    assert.throws(() => receiveMessage(one, Buffer.alloc(1), { dontWait: true, peek: false }), { code: 'EAGAIN' })
    assert.throws(
      () => {
        for (;;) sendMessage(one, Buffer.alloc(1000), [], { dontWait: true })
      },
      { code: 'EAGAIN' },
    )
    one.close()
    other.close()
  })

  it('works in several threads at once, and lets them end while they watch', async () => {
    const program = `
      import('@anyfork/fdpass').then(({ recv, send, socketpair, watch }) => {
        const [left, right] = socketpair()
        for (let i = 0; i < 2000; i++) { send(left, 0); recv(right).close() }
        watch(right, { readable: true }, () => {})
        require('node:worker_threads').parentPort.postMessage([left.fd, right.fd])
      })`
    const threads = Array.from({ length: 4 }, () => new Worker(program, { eval: true }))
    const messages = threads.map(thread => once(thread, 'message') as Promise<[number[]]>)
    for (let i = 0; i < 2000; i++) {
      send(left, 0)
      recv(right)!.close()
    }
    const open = (await Promise.all(messages)).flatMap(([fds]) => fds)
    await Promise.all(threads.map(thread => thread.terminate()))
    for (const fd of open) closeSync(fd) // a thread's descriptors are the process's
  })

  it('throws at the call for what makes no sense', () => {
    assert.throws(() => receiveMessage(right, Buffer.alloc(0)), RangeError)
    assert.throws(() => read(right, Buffer.alloc(4), 2, 3), RangeError)
    assert.throws(() => write(right, Buffer.alloc(4), 5), RangeError)
    assert.throws(() => new Descriptor(-1), TypeError)
    assert.throws(() => send(0x7fffffff, 0), { code: 'EBADF' })
    const [readEnd, writeEnd] = pipe()
    assert.throws(() => send(readEnd, 0), { code: 'ENOTSOCK' })
    readEnd.close()
    writeEnd.close()
  })
})
