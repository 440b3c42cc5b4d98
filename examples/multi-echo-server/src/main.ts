import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { acceptAll, checkRoom, type Descriptor, pipe, takeListener } from '@anyfork/fdpass'
import { ForkProcess, fd, ncpu, pool } from '@anyfork/fork-pool'

/** Failures that pass: a worker has died, or the system or the descriptor table is full. */
const PASSING = [
  ...['ERR_PROCESS_EXITED', 'ERR_POOL_CRASH_LOOP', 'ERR_POOL_START_TIMEOUT'],
  ...['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ETOOMANYREFS'],
]
/** How long to wait before the next attempt, in milliseconds. */
const RETRY_MS = 20
/** The signals that stop this server. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** npm may forward a signal that the terminal has sent as well, within so many milliseconds. */
const REPEATED_MS = 500
/** The slots of the descriptor table that a hand-over needs: for three duplicates, and for replacing workers. */
const SLOTS = 3 + 16
/** The slots that an accepted connection needs beside its own: for the pipe, and for its hand-over. */
const RESERVE = 2 + SLOTS

const { host, port, workers, load } = parseOptions()
const template = (): ForkProcess => ForkProcess.exec({ title: 'multi-echo' }) // for ps and pkill
const echo = pool(template, new URL('./worker.js', import.meta.url), 'echo', {
  async: true, // a worker serves several connections at a time
  load,
  idle: workers, // starts them now
  max: workers,
  onError: () => {}, // the death of an idle worker: the pool replaces it
})

// Node only binds the socket, this program accepts: a net.Server would drop connections while the table is full.
const server = createServer().listen({ host, port, backlog: 4096 })
await once(server, 'listening')
console.log(`listening on port ${(server.address() as AddressInfo).port}`)
const listener = takeListener(server)
let isStopping = false
for (const signal of SIGNALS) process.on(signal, stop)

const connections = new Set<Promise<void>>()
let handedOver = 0
let served = 0
for await (const connection of acceptAll(listener, { reserve: RESERVE })) {
  const serving = serve(connection)
    .catch(error => console.error(`a connection has failed: ${error.message}`))
    .finally(() => connections.delete(serving))
  connections.add(serving)
  await echo.drained() // while all workers are busy, clients wait in the kernel's queue
}
await Promise.all(connections)
await echo.close()
console.log(`served ${served} ${served === 1 ? 'connection' : 'connections'}`)

/** Lets the workers serve a connection, however many of them die meanwhile. */
async function serve(connection: Descriptor): Promise<void> {
  const [reader, writer] = await persist(() => pipe())
  const kept = [connection, reader, writer] // until a worker has answered: if it dies, another one gets them
  try {
    await persist(() => handOver(kept))
    served++
  } finally {
    for (const descriptor of kept) descriptor.close()
  }
}

/** Lets a worker serve a connection. Resolves when the client has shut down its end. */
async function handOver(descriptors: readonly Descriptor[]): Promise<void> {
  // Workers that have started since may have taken the room. If no worker serves a connection, nothing makes room again.
  if (handedOver) checkRoom(SLOTS)
  handedOver++
  try {
    await echo(...descriptors.map(descriptor => fd(descriptor)))
  } finally {
    handedOver--
  }
}

/** Repeats an attempt until it succeeds, or fails for a reason that does not pass. */
async function persist<T>(attempt: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!PASSING.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
    await setTimeout(RETRY_MS)
  }
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

function parseOptions(): { host: string; port: number; workers: number; load: number } {
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '7000' },
        workers: { type: 'string', default: `${ncpu()}` },
        load: { type: 'string', default: '100' },
      },
    })
    const [port, workers, load] = [values.port, values.workers, values.load].map(Number) as [number, number, number]
    if (!Number.isInteger(port) || !(workers >= 1) || !(load >= 1)) throw new TypeError('these must be numbers')
    return { host: values.host, port, workers, load }
  } catch (error) {
    console.error(
      `${(error as Error).message}\n\nUsage: npm start -- [--host <address>] [--port <n>] [--workers <n>] [--load <n>]`,
    )
    process.exit(2)
  }
}
