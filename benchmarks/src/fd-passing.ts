import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recv, send, socketpair } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'
import { median } from './statistics.js'

/** One way to pass descriptors, measured. */
export interface FdPassing {
  way: string
  perSecond: number
  /** Times as fast as the row that it is measured against, named in the way. */
  ratio?: number
}

const RUNS = 5
const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * How many descriptors a second? Within one process beside the same loop in C; between
 * two processes beside Node's own way. Medians of five runs.
 */
export async function fdPassing(count = 100_000): Promise<FdPassing[]> {
  const inC = compileLoop()
  try {
    const c: number[] = []
    const js: number[] = []
    loop(count)
    for (let i = 0; i < RUNS; i++) {
      c.push(1e9 / Number(execFileSync(inC, [`${count}`])))
      js.push(loop(count))
    }
    const rows: FdPassing[] = [
      { way: 'one process: send, receive, close in C', perSecond: median(c) },
      { way: 'one process: @anyfork/fdpass', perSecond: median(js), ratio: median(js) / median(c) },
    ]
    const own = await repeat(() => viaProcessSend(Math.min(1000, count)))
    rows.push({ way: 'two processes: process.send(message, socket)', perSecond: own })
    if (await hasUsocket()) {
      const usocket = await repeat(() => viaUsocket(count))
      rows.push({ way: 'two processes: usocket, 1 descriptor a write', perSecond: usocket, ratio: usocket / own })
    }
    for (const batch of [1, 32, 253]) {
      const perSecond = await repeat(() => viaPasser(count, batch))
      rows.push({ way: `two processes: @anyfork/fdpasser, batch ${batch}`, perSecond, ratio: perSecond / own })
    }
    return rows
  } finally {
    rmSync(dirname(inC), { recursive: true })
  }
}

async function repeat(measure: () => Promise<number>): Promise<number> {
  const results: number[] = []
  for (let i = 0; i < RUNS; i++) results.push(await measure())
  return median(results)
}

/** Compiles the loop in C with the C interface of fdpass. */
function compileLoop(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'anyfork-bench-')), 'pass-descriptor')
  const native = join(root, 'packages/fdpass/native')
  const headers = join(dirname(dirname(process.execPath)), 'include/node')
  execFileSync('cc', ['-O2', '-std=c11', '-D_GNU_SOURCE', `-I${headers}`, join(root, 'benchmarks/native/pass-descriptor.c'), ...['descriptor', 'peek', 'receive', 'rights', 'send'].map(name => join(native, `${name}.c`)), '-o', program])
  return program
}

function loop(count: number): number {
  const [left, right] = socketpair()
  const started = performance.now()
  for (let i = 0; i < count; i++) {
    send(left, 0)
    recv(right)!.close()
  }
  const seconds = (performance.now() - started) / 1000
  left.close()
  right.close()
  return count / seconds
}

/** From the first descriptor sent until the receiver, which is running by then, has them all. */
async function viaPasser(count: number, batch: number): Promise<number> {
  const [ours, theirs] = socketpair()
  const warmUp = Math.ceil(count / 10)
  const receiver = spawn(process.execPath, [fileURLToPath(new URL('./workers/fd-receiver.js', import.meta.url)), `${count + warmUp}`], { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] })
  const exited = once(receiver, 'exit')
  theirs.close()
  const passer = new FdPasser({ fd: ours, batch, highWaterMark: 4096 })
  const flood = async (descriptors: number): Promise<void> => {
    for (let i = 0; i < descriptors; i++) {
      void passer.pushSend(0, { keep: true })
      if (passer.pressure >= 1) await passer.drained()
    }
  }
  await flood(warmUp)
  const started = performance.now()
  await flood(count)
  ;(await passer.pushRecv()).close()
  const seconds = (performance.now() - started) / 1000
  await passer.close()
  await exited
  return count / seconds
}

/** Its addon is built for one version of Node. */
async function hasUsocket(): Promise<boolean> {
  try {
    await import('usocket')
    return true
  } catch {
    console.error('usocket is not built for this Node: left out')
    return false
  }
}

/** usocket loses descriptors when the socket is full, so no more than 200 are on their way. */
async function viaUsocket(count: number): Promise<number> {
  const { default: usocket } = await import('usocket')
  const [ours, theirs] = socketpair()
  const warmUp = Math.ceil(count / 1000) * 100
  const receiver = spawn(process.execPath, [fileURLToPath(new URL('./workers/usocket-receiver.js', import.meta.url)), `${count + warmUp}`], { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] })
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
  const flood = async (until: number, unread: number): Promise<void> => {
    while (sent < until) {
      while (sent < until && sent - received < 200) {
        socket.write({ data: byte, fds: [0] })
        sent++
      }
      while (sent - received >= (sent < until ? 200 : unread)) await new Promise<void>(resolve => (wake = resolve))
    }
  }
  await flood(warmUp, 1)
  const started = performance.now()
  await flood(warmUp + count, 1)
  const seconds = (performance.now() - started) / 1000
  socket.destroy()
  await exited
  return count / seconds
}

async function viaProcessSend(count: number): Promise<number> {
  const receiver = fork(new URL('./workers/socket-receiver.js', import.meta.url), [`${count}`])
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

/** So many accepted connections; each can be sent once. */
async function connections(count: number): Promise<Socket[]> {
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, socket => accepted.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (let i = 0; i < count; i++) {
    const client = connect(port, '127.0.0.1')
    client.on('error', () => {}).on('close', () => client.destroy()).resume()
    await once(client, 'connect')
  }
  while (accepted.length < count) await new Promise(setImmediate)
  server.close()
  return accepted
}
