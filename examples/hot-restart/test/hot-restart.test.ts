import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dup, setCloseOnExec } from '@anyfork/fdpass'
import { isSoak, until } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { Client, Program, Traffic, untilRefused } from './support/traffic.js'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const abandoned = fileURLToPath(new URL('fixtures/abandoned.js', import.meta.url))

describe('examples/hot-restart', () => {
  let folder: string
  let path: string
  let port: number
  const programs: Program[] = []

  const startProgram = (...args: ConstructorParameters<typeof Program>): Program => {
    const program = new Program(...args)
    programs.push(program)
    return program
  }
  const start = (version: number, ...args: string[]): Program =>
    startProgram(process.execPath, [main, '--path', path, '--port', `${port}`, '--version', `${version}`, ...args])

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    path = join(folder, 'door')
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    ;({ port } = probe.address() as AddressInfo)
    await new Promise(resolve => probe.close(resolve))
  })
  afterEach(async () => {
    for (const { child } of programs) child.kill('SIGKILL')
    await Promise.all(programs.splice(0).map(({ exit }) => exit))
    rmSync(folder, { recursive: true })
  })

  const report = ({ kept, connections, requests }: Traffic, events: string): void =>
    console.log(
      `      ${requests} requests answered, 0 lost, over ${kept.length} kept and ${connections} new connections: ${events}`,
    )

  it('goes on, and loses nothing, if new versions are killed, hang, refuse, or are refused', async () => {
    const running = start(1, '--timeout', '2000')
    await running.line(/serves/)
    const traffic = new Traffic(port, 10, 2)

    for (const step of isSoak
      ? ['control', 'hello', 'offer', 'listeners', 'ready', 'connections']
      : ['offer', 'connections']) {
      const halfway = startProgram(process.execPath, [abandoned, path, step])
      await traffic.meanwhile(halfway.line(/reached/))
      halfway.child.kill('SIGKILL')
      await traffic.meanwhile(running.line(/goes on: /))
    }
    const stranger = startProgram(process.execPath, [abandoned, path, 'protocol'])
    await traffic.meanwhile(stranger.line(/refused: version 1 speaks protocol 1/))
    await traffic.meanwhile(running.line(/goes on: version 99 speaks protocol 2, not 1/))
    const older = start(0)
    await traffic.meanwhile(older.line(/does not start: version 1 is running, which is newer than 0/))
    assert.deepEqual(await traffic.meanwhile(older.exit), [1, null])
    await traffic.meanwhile(running.line(/goes on: the other version has ended/))
    const hanging = startProgram(process.execPath, [abandoned, path, 'connections'])
    await traffic.meanwhile(running.line(/goes on: no take-over within 2000 ms/))
    hanging.child.kill('SIGUSR2')
    await traffic.meanwhile(hanging.line(/^came too late$/)) // two processes must not serve the same connection
    await traffic.nextRound()

    await traffic.end()
    for (const { versions } of traffic.kept) assert.deepEqual([...versions], [1])
    report(traffic, `${isSoak ? 6 : 2} killed, 1 hanging, 2 refused`)
  })

  it('loses nothing during restarts, although new versions are killed in between', async () => {
    let running = start(1)
    await running.line(/serves/)
    const traffic = new Traffic(port, 10, 2)
    const last = isSoak ? 20 : 3
    for (let version = 2; version <= last; version++) {
      const halfway = startProgram(process.execPath, [abandoned, path, 'connections'])
      await traffic.meanwhile(halfway.line(/reached/))
      halfway.child.kill('SIGKILL')
      const next = start(version)
      await traffic.meanwhile(next.line(/has taken over \d+ connections?/))
      assert.deepEqual(await traffic.meanwhile(running.exit), [0, null])
      await running.line(/goes on: /)
      running = next
      await traffic.nextRound()
    }
    await traffic.end()
    for (const { versions } of traffic.kept) assert.equal(versions.size, last)
    running.child.kill('SIGTERM')
    assert.deepEqual(await running.exit, [0, null])
    assert.equal(existsSync(path), false)
    report(traffic, `${last - 1} restarts, ${last - 1} killed`)
  })

  it('passes on the connection of a slow reader once its output has been sent', async () => {
    const size = 2 ** 25
    const first = start(1)
    await first.line(/serves/)
    const socket = connect(port, '127.0.0.1')
    socket.write(`add 1\nfill ${size}\nad`)
    await once(socket, 'readable') // most of the answer waits in the first process
    const second = start(2)
    await second.line(/has taken over 0 connections/)
    let received = 0
    socket.on('data', (piece: Buffer) => (received += piece.length))
    await until(() => received === 'sum 1 version 1\n'.length + size + 1)
    assert.deepEqual(await first.exit, [0, null])
    const answer = once(socket, 'data')
    socket.write('d 1\n')
    assert.equal(String((await answer)[0]), 'sum 2 version 2\n')
    socket.destroy()
  })

  it('answers a client that does not read only as far as there is room, and other clients meanwhile', async () => {
    const commands = 200
    const size = 2 ** 20
    const args = ['--max-old-space-size=64', main, '--path', path, '--port', `${port}`] // not enough for all answers
    const program = startProgram(process.execPath, args)
    await program.line(/serves/)
    const greedy = connect(port, '127.0.0.1')
    greedy.write(`fill ${size}\n`.repeat(commands))
    await once(greedy, 'readable')
    const other = new Client(port)
    for (let i = 0; i < 10; i++) await other.add()
    await other.end()
    let received = 0
    greedy.on('data', (piece: Buffer) => (received += piece.length))
    const allReceived = until(() => received === commands * (size + 1))
    await Promise.race([allReceived, program.exit.then(status => assert.fail(`the server has ended: ${status}`))])
    const closed = once(greedy, 'close')
    greedy.end()
    assert.deepEqual(await closed, [false])
  })

  it('sends all answers before it ends at SIGTERM', async () => {
    const size = 2 ** 25
    const program = start(1)
    await program.line(/serves/)
    const client = connect(port, '127.0.0.1')
    client.write(`fill ${size}\n`)
    await once(client, 'readable')
    program.child.kill('SIGTERM')
    await untilRefused(port)
    client.write('add 1\n') // is not answered
    let received = 0
    client.on('data', (piece: Buffer) => (received += piece.length))
    assert.deepEqual(await once(client, 'close'), [false])
    assert.equal(received, size + 1)
    assert.deepEqual(await program.exit, [0, null])
  })

  it('ends at SIGTERM although a client does not close its connection', async () => {
    const program = start(1, '--grace', '100')
    await program.line(/serves/)
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.write('add 1\n')
    await once(client, 'data')
    program.child.kill('SIGTERM')
    await Promise.all([once(client, 'end'), program.exit])
    assert.deepEqual(await program.exit, [0, null])
    client.destroy()
  })

  it('takes several signals in a moment for one, and ends at once at a later one', async () => {
    const program = start(1, '--grace', '60000')
    await program.line(/serves/)
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.write('add 1\n')
    await once(client, 'data')
    for (const sentAt = performance.now(); performance.now() - sentAt < 50; ) program.child.kill('SIGINT')
    await once(client, 'end') // it ends gracefully, and waits for the client
    const signals = setInterval(() => program.child.kill('SIGINT'), 700) // more than REPEATED_MS later
    try {
      assert.deepEqual(await program.exit, [null, 'SIGINT'])
    } finally {
      clearInterval(signals)
    }
    client.destroy()
  })

  it('serves with the listener of systemd, and goes on after a new version has stopped waiting for an answer', async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port: activated } = listening.address() as AddressInfo
    const listener = dup(listening)
    listening.close()
    setCloseOnExec(listener, false)
    const variables = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=counting.socket'
    const args = ['-c', `${variables} exec "$0" "$@"`, process.execPath, main, '--path', path, '--version', '1']
    const program = startProgram('sh', args, [listener.fd])
    listener.close()
    await program.line(/serves/)
    const client = new Client(activated)
    await client.add()
    await client.end()

    program.child.kill('SIGSTOP')
    const next = start(2, '--wait', '300')
    await next.line(/does not start: the running version does not answer within 300 ms/)
    assert.deepEqual(await next.exit, [1, null])
    program.child.kill('SIGCONT')
    await program.line(/goes on: /)
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exit, [0, null])
  })
})
