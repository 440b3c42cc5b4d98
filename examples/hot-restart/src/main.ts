import { once } from 'node:events'
import { unlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Descriptor, dup, notifySystemd, systemdDescriptors } from '@anyfork/fdpass'
import { accept, server as listenAt } from '@anyfork/fdpasser'
import { CountingServer } from './counting-server.js'
import { handOver, type Successor } from './hand-over.js'
import { findPredecessor, type Predecessor } from './take-over.js'

/** The signals that end this process. */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/** npm may forward a signal that the terminal has sent as well, within so many milliseconds. */
const REPEATED_MS = 500
/** How long to wait after a failure, such as a full descriptor table, before another version may try. */
const RETRY_MS = 50
const { path, port, version, wait, timeout, grace, allowsDowngrade } = parseOptions()
const name = `version ${version} (pid ${process.pid})`
const server = new CountingServer(version)

const waiting = setTimeout(() => fail(new Error(`the running version does not answer within ${wait} ms`)), wait)
const predecessor = await findPredecessor(path, { version, allowsDowngrade }).catch(fail)
const door = predecessor ? await takeOver(predecessor).catch(fail) : await start().catch(fail)
clearTimeout(waiting)
notifySystemd({ READY: 1, MAINPID: process.pid, STATUS: `version ${version}` })
const stop = new AbortController()
for (const signal of SIGNALS) process.on(signal, end)
const later = adoptLater(predecessor)
const successor = await untilReplaced()
door.close()
if (successor) {
  // No STOPPING=1: the service goes on, with another main process.
  await Promise.all([server.drain(connection => successor.pass(connection), grace), later])
  await successor.close()
  console.log(`${name} has handed over to version ${successor.version}, and ends`)
} else {
  notifySystemd({ STOPPING: 1 })
  unlinkSync(path)
  server.end(grace)
}

/** Ends gracefully. From the next press of Ctrl-C on, a signal ends this process at once. */
function end(): void {
  if (stop.signal.aborted) return
  stop.abort()
  void delay(REPEATED_MS, undefined, { ref: false }).then(() => {
    for (const signal of SIGNALS) process.off(signal, end)
  })
}

/** Serves alone: with the listener of systemd, if there is one, or a new one. */
async function start(): Promise<Descriptor> {
  const [activated] = systemdDescriptors()
  server.listen(activated?.descriptor ?? (await newListener()))
  const ownDoor = listenAt(path)
  console.log(`${name} serves`)
  return ownDoor
}

async function newListener(): Promise<Descriptor> {
  const listening = createServer().listen(port, '127.0.0.1')
  await once(listening, 'listening')
  const listener = dup(listening)
  listening.close()
  return listener
}

async function takeOver(running: Predecessor): Promise<Descriptor> {
  const connections = await running.take()
  server.listen(running.listener)
  for (const connection of connections) server.adopt(connection)
  const count = `${connections.length} ${connections.length === 1 ? 'connection' : 'connections'}`
  console.log(`${name} has taken over ${count} from version ${running.version}`)
  return running.door
}

async function adoptLater(running: Predecessor | undefined): Promise<void> {
  try {
    if (running) for await (const connection of running.later()) server.adopt(connection)
  } catch (error) {
    console.log(`${name} misses connections: ${(error as Error).message}`)
  }
}

/** Offers everything to each process that connects to the path. Resolves with `undefined` if the server is to stop. */
async function untilReplaced(): Promise<Successor | undefined> {
  for (;;) {
    try {
      const connection = await accept(door, { signal: stop.signal })
      return await handOver(connection, door, server, { version, timeout })
    } catch (error) {
      if (stop.signal.aborted) return undefined
      console.log(`${name} goes on: ${(error as Error).message}`)
      await delay(RETRY_MS)
    }
  }
}

function fail(error: Error): never {
  console.error(`${name} does not start: ${error.message}`)
  process.exit(1)
}

function parseOptions(): {
  path: string
  port: number
  version: number
  wait: number
  timeout: number
  grace: number
  allowsDowngrade: boolean
} {
  try {
    const { values } = parseArgs({
      options: {
        path: { type: 'string', default: 'hot-restart.sock' },
        port: { type: 'string', default: '7000' },
        version: { type: 'string', default: '1' },
        wait: { type: 'string', default: '30000' },
        timeout: { type: 'string', default: '10000' },
        grace: { type: 'string', default: '60000' },
        'allow-downgrade': { type: 'boolean', default: false },
      },
    })
    const [port, version, wait, timeout, grace] = [
      values.port,
      values.version,
      values.wait,
      values.timeout,
      values.grace,
    ].map(value => {
      if (!/^\d{1,9}$/.test(value)) throw new Error('port, version, wait, timeout, and grace must be numbers')
      return Number(value)
    }) as [number, number, number, number, number]
    return { path: values.path, port, version, wait, timeout, grace, allowsDowngrade: values['allow-downgrade'] }
  } catch (error) {
    console.error(
      `${(error as Error).message}\n\nUsage: npm start -- [--version N] [--port N] [--path SOCKET] [--allow-downgrade] ` +
        '[--wait MS] [--timeout MS] [--grace MS]',
    )
    process.exit(2)
  }
}
