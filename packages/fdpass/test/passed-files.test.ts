import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { constants, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Descriptor, dup, type Handle, recv, send, socketpair } from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('passed descriptors', () => {
  const sockets = useSocketPair()

  it('may have the numbers 0, 1, and 2 when sent, and 0 when received', async () => {
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

  it('may be given as numbers, Descriptors, FileHandles, net.Sockets, net.Servers, and dgram.Sockets, unless these are closed', async () => {
    const { left, right } = sockets
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
  })

  it('may refer to a file, a directory, an O_PATH directory, a device, or a socket', () => {
    const { left, right } = sockets
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

  it('may be listening servers: the receiver accepts connections after the sender has closed its server', async () => {
    const { left, right } = sockets
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

  it('may be sockets in whose queues further sockets wait, 100 levels deep', () => {
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
})
