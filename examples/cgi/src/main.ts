import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { acceptAll, checkRoom, type Descriptor, takeListener } from '@anyfork/fdpass'

/** Failures that pass: the system or the descriptor table is full. */
const PASSING = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']
/** How long to wait before the next attempt, in milliseconds. */
const RETRY_MS = 20
/** The signals that stop this server. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** npm may forward a signal that the terminal has sent as well, within so many milliseconds. */
const REPEATED_MS = 500
/** Node opens some descriptors for a moment to start a program. */
const SLOTS = 16
/** How long a client may take to close a connection after the program has ended, in milliseconds. */
const LINGER_MS = 2000

const { host, port, clients, program, args } = parseOptions()

// Node only binds the socket, this program accepts: a net.Server would drop connections while the table is full.
const server = createServer().listen({ host, port, backlog: 4096 })
await once(server, 'listening')
console.log(`listening on port ${(server.address() as AddressInfo).port}`)
const listener = takeListener(server)
let isStopping = false
for (const signal of SIGNALS) process.on(signal, stop)

const connections = new Set<Promise<void>>()
let served = 0
for await (const connection of acceptAll(listener, { reserve: SLOTS })) {
  const serving = serve(connection)
    .catch(error => console.error(`a connection has failed: ${error.message}`))
    .finally(() => connections.delete(serving))
  connections.add(serving)
  if (connections.size >= clients) await Promise.race(connections) // the others wait in the kernel's queue
}
await Promise.all(connections)
console.log(`served ${served} ${served === 1 ? 'connection' : 'connections'}`)

/** Runs the program with a connection as its standard input and output, and closes the connection when it has ended. */
async function serve(connection: Descriptor): Promise<void> {
  try {
    const child = await start(connection)
    await once(child, 'exit')
    served++
  } finally {
    await closeGently(connection)
  }
}

/** Starts the program. While the system is full, tries again. */
async function start(connection: Descriptor): Promise<ChildProcess> {
  for (;;) {
    try {
      checkRoom(SLOTS)
      const stdio: StdioOptions = [connection.fd, connection.fd, 'inherit']
      const child = spawn(program, args, { stdio, detached: true }) // Ctrl-C is for this server
      await once(child, 'spawn')
      return child
    } catch (error) {
      if (!PASSING.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
    await setTimeout(RETRY_MS)
  }
}

/**
 * Closes a connection without losing output. If the client has sent something that the program has not read, such as an
 * HTTP request, the kernel resets a connection that is closed, and the client may lose what it has not read yet.
 */
async function closeGently(connection: Descriptor): Promise<void> {
  const socket = connection.toSocket()
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.on('error', () => {}) // the client is gone
  socket.resume() // reads to the end of what the client sends
  socket.end()
  const timer = new AbortController()
  await Promise.race([closed, setTimeout(LINGER_MS, undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
  socket.destroy()
}

/** Ends the loop. From the next press of Ctrl-C on, a signal ends this process. */
function stop(): void {
  if (isStopping) return
  isStopping = true
  listener.close()
  void setTimeout(REPEATED_MS, undefined, { ref: false }).then(() => {
    for (const signal of SIGNALS) process.off(signal, stop)
  })
}

function parseOptions(): { host: string; port: number; clients: number; program: string; args: string[] } {
  try {
    const { values, positionals } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '7000' },
        clients: { type: 'string', default: '100' },
      },
      allowPositionals: true,
    })
    const [port, clients] = [values.port, values.clients].map(Number) as [number, number]
    if (!Number.isInteger(port) || !(clients >= 1)) throw new TypeError('port and clients must be numbers')
    const [program = fileURLToPath(new URL('../tick', import.meta.url)), ...args] = positionals
    return { host: values.host, port, clients, program, args }
  } catch (error) {
    const usage = 'Usage: npm start -- [--host <address>] [--port <n>] [--clients <n>] [<program> [<args>...]]'
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}
