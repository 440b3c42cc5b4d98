import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { socketpair } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'
import { compile } from '../harness/c-program.js'

/** Runs a Perl program that passes descriptors to its child. Returns the descriptors per second that it prints. */
export function viaPerl(program: string, count: number): number {
  return Number(execFileSync('perl', [fileURLToPath(new URL(`../../perl/${program}`, import.meta.url)), `${count}`]))
}

/**
 * Passes descriptors with fdpasser. Measures from the first one until the receiver, which has been running before,
 * acknowledges all of them.
 *
 * @returns descriptors per second
 */
export async function viaFdPasser(count: number, batch: number): Promise<number> {
  const [ours, theirs] = socketpair()
  const warmUp = Math.ceil(count / 10)
  const receiver = spawn(
    process.execPath,
    [fileURLToPath(new URL('../workers/fd-receiver.js', import.meta.url)), `${count + warmUp}`],
    { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] },
  )
  const exited = once(receiver, 'exit')
  theirs.close()
  const passer = new FdPasser({ fd: ours, batch, highWaterMark: 4096 })
  const sendAll = async (descriptors: number): Promise<void> => {
    for (let i = 0; i < descriptors; i++) {
      void passer.pushSend(0, { keep: true })
      if (passer.pressure >= 1) await passer.drained()
    }
  }
  await sendAll(warmUp)
  const started = performance.now()
  await sendAll(count)
  ;(await passer.pushRecv()).close()
  const seconds = (performance.now() - started) / 1000
  await passer.close()
  await exited
  return count / seconds
}

/**
 * Passes descriptors in C, without any library: the sender fills each message with a batch, and the receiver closes what
 * it has received.
 *
 * @returns descriptors per second
 */
export function viaC(count: number, batch: number): number {
  using program = compile('pass-batches')
  return program.run(count, batch)[0]!
}

/**
 * Passes descriptors with usocket. It loses descriptors when the socket is full, so at most 200 are unacknowledged.
 *
 * @returns descriptors per second
 */
export async function viaUsocket(count: number): Promise<number> {
  const { default: usocket } = await import('usocket')
  const [ours, theirs] = socketpair()
  const warmUp = Math.ceil(count / 1000) * 100
  const receiver = spawn(
    process.execPath,
    [fileURLToPath(new URL('../workers/usocket-receiver.js', import.meta.url)), `${count + warmUp}`],
    { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] },
  )
  const exited = once(receiver, 'exit')
  theirs.close()
  const socket = new usocket.USocket({ fd: ours.release() })
  let received = 0
  let wake = (): void => {}
  socket.on('data', (bytes: Buffer) => {
    received += 100 * bytes.length
    wake()
  })
  const byte = Buffer.alloc(1)
  let sent = 0
  const sendAll = async (until: number, unread: number): Promise<void> => {
    while (sent < until) {
      while (sent < until && sent - received < 200) {
        socket.write({ data: byte, fds: [0] })
        sent++
      }
      while (sent - received >= (sent < until ? 200 : unread)) await new Promise<void>(resolve => (wake = resolve))
    }
  }
  await sendAll(warmUp, 1)
  const started = performance.now()
  await sendAll(warmUp + count, 1)
  const seconds = (performance.now() - started) / 1000
  socket.destroy()
  await exited
  return count / seconds
}

/**
 * Passes sockets with `process.send`, which is what Node offers.
 *
 * @returns sockets per second
 */
export async function viaProcessSend(count: number): Promise<number> {
  const receiver = fork(new URL('../workers/socket-receiver.js', import.meta.url), [`${count}`])
  const sockets = await connections(count)
  const done = once(receiver, 'message')
  const started = performance.now()
  for (const socket of sockets) receiver.send('socket', socket)
  await done
  const seconds = (performance.now() - started) / 1000
  receiver.disconnect()
  await once(receiver, 'exit')
  return count / seconds
}

/** Returns accepted TCP connections. `process.send` closes what it has sent, so each serves once. */
async function connections(count: number): Promise<Socket[]> {
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, socket => accepted.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (let i = 0; i < count; i++) {
    const client = connect(port, '127.0.0.1')
    client
      .on('error', () => {})
      .on('close', () => client.destroy())
      .resume()
    await once(client, 'connect')
  }
  while (accepted.length < count) await new Promise(setImmediate)
  server.close()
  return accepted
}
