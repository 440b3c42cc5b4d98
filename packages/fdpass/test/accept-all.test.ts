import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  acceptAll,
  checkRoom,
  connect,
  type Descriptor,
  dup,
  isNonblocking,
  listen,
  takeListener,
} from '@anyfork/fdpass'
import { outputOf, runCommand } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('acceptAll()', () => {
  const sockets = useSocketPair()
  const path = `\0anyfork-accept-all-${process.pid}`

  it('yields the connections of a listener as blocking sockets, until the listener is closed', async () => {
    const listener = listen(path)
    const clients = [connect(path), connect(path)]
    const connections: Descriptor[] = []
    for await (const connection of acceptAll(listener)) {
      connections.push(connection)
      if (connections.length === 2) setImmediate(() => clients.push(connect(path)))
      if (connections.length === 3) setImmediate(() => listener.close()) // while it waits
    }
    assert.deepEqual(connections.map(isNonblocking), [false, false, false])
    for (const one of [...clients, ...connections]) one.close()
  })

  it('accepts nothing that the loop has not asked for, and can be started again', async () => {
    const listener = listen(path)
    const clients = [connect(path), connect(path)]
    for (let i = 0; i < 2; i++) {
      for await (const connection of acceptAll(listener)) {
        connection.close()
        break
      }
    }
    const connections = acceptAll(listener)
    for (const one of [...clients, listener]) one.close()
    for await (const _connection of connections) assert.fail('the listener is closed')
  })

  it('lets the event loop go on while connections arrive without end', async () => {
    const listener = listen(path)
    let turns = 0
    let accepted = 0
    setImmediate(() => turns++)
    const client = connect(path)
    for await (const connection of acceptAll(listener)) {
      connection.close()
      if (turns || ++accepted === 1000) break
      connect(path).close()
    }
    client.close()
    listener.close()
    assert.ok(turns > 0, `${accepted} connections were accepted in one turn`)
  })

  it('loses no connection while the descriptor table is full', async () => {
    const program = new URL('./fixtures/full-table-accept.js', import.meta.url)
    assert.equal(await outputOf(program, [], { openFiles: 64 }), 'accepted 0,1,2,3,4\n')
  })

  it('lets the event loop go on while the system refuses to accept', async function () {
    if (process.env['LD_PRELOAD']?.includes('asan')) this.skip() // AddressSanitizer itself fails in the filter
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-filter-'))
    const filter = join(folder, 'refuse-calls')
    try {
      const source = resolve(import.meta.dirname, '../../../fork/test/fixtures/refuse-calls.c')
      const { status } = spawnSync('cc', ['-o', filter, source])
      if (status !== 0 || spawnSync(filter, ['EPERM', '--', 'true']).status !== 0) this.skip() // no compiler, or no seccomp
      const program = `import { acceptAll, connect, listen } from '@anyfork/fdpass'
        const listener = listen('\\0anyfork-refused-' + process.pid)
        const client = connect('\\0anyfork-refused-' + process.pid)
        setTimeout(() => listener.close(), 50)
        for await (const connection of acceptAll(listener)) connection.close()
        client.close()
        console.log('closed')`
      const args = ['EPERM', 'accept4', '--', process.execPath, '--input-type=module', '-e', program]
      const { code, signal, stdout, stderr } = await runCommand(filter, args)
      assert.deepEqual([code, signal, stdout], [0, null, 'closed\n'], stderr)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('throws a TypeError for a number, a connection, and an invalid option', () => {
    const listener = listen(path)
    assert.throws(() => acceptAll(listener.fd as never), TypeError)
    assert.throws(() => acceptAll(sockets.left), TypeError)
    for (const options of [{ reserve: -1 }, { reserve: 1.5 }, { spare: 1 }, 1])
      assert.throws(() => acceptAll(listener, options as never), TypeError)
    listener.close()
  })
})

describe('checkRoom()', () => {
  useSocketPair()

  it('leaves nothing open, and throws EMFILE for more slots than the limit of open files allows', async () => {
    checkRoom(1)
    checkRoom(100)
    const program = `import { checkRoom } from '@anyfork/fdpass'
      try { checkRoom(64) } catch ({ code, syscall }) { console.log(code, syscall) }`
    assert.equal(await outputOf(program, [], { openFiles: 64 }), 'EMFILE checkRoom\n')
  })

  it('throws a TypeError for an invalid number of slots', () => {
    for (const slots of [0, 65_537, 1.5, '1']) assert.throws(() => checkRoom(slots as never), TypeError)
  })
})

describe('takeListener()', () => {
  useSocketPair()

  it('takes the socket of a TCP server before Node accepts a connection', async () => {
    const server = createServer(() => assert.fail('Node has accepted a connection'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connectTo(port, '127.0.0.1')
    const listener = takeListener(server)
    await once(client, 'connect')
    for await (const connection of acceptAll(listener)) {
      connection.toSocket().end('accepted')
      assert.equal(await text(client), 'accepted')
      listener.close()
    }
    assert.equal(server.listening, false)
  })

  it('keeps the socket file of a server that listens at a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const listener = takeListener(server)
    await once(server, 'close')
    assert.equal(existsSync(path), true)
    for (const one of [connect(path), listener]) one.close()
    rmSync(folder, { recursive: true })
  })

  it('throws a TypeError for anything but a listening server', () => {
    const listener = dup(0)
    for (const server of [createServer(), listener, {}, undefined])
      assert.throws(() => takeListener(server as never), TypeError)
    listener.close()
  })
})
