import { createServer, type RequestListener } from 'node:http'
import { Server } from 'node:net'
import type { Descriptor } from '@anyfork/fdpass'
import { describeValue } from '@anyfork/fdpass/internal'
import { loadFunction } from '@anyfork/fork/internal/child'
import { event } from '@anyfork/fork-rpc/child'
import { DRAINING, type PreforkServeSettings, type ServedCounts } from '../prefork-protocol.js'
import { DrainableServer } from './drainable-server.js'

let serving: { server: DrainableServer; done: (() => unknown) | undefined } | undefined

// A terminal sends these to all processes of the program. The owner decides what they mean, also for the template.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

/**
 * Makes the server of the user, and lets it accept connections.
 *
 * @param listener - owned by this function
 */
export async function start(settings: PreforkServeSettings, listener: Descriptor): Promise<void> {
  const { module, name, folder, id, backlog, idleGrace } = settings
  const controller = new AbortController()
  const make = await loadFunction(module, name, folder)
  const done = settings.done === undefined ? undefined : await loadFunction(module, settings.done, folder)
  const made = serverOf(await make({ id, signal: controller.signal }))
  const server = new DrainableServer(made, idleGrace, () => {
    reportDraining()
    controller.abort()
  })
  await listenOn(made, listener.release(), backlog)
  serving = { server, done }
  process.on('SIGTERM', () => void server.drain())
}

/** Completes all requests, and closes all connections. */
export async function finish(): Promise<void> {
  await serving!.server.drain()
  await serving!.done?.()
}

export function countServed(): ServedCounts {
  return serving!.server.counts
}

/** Tells the owner that this worker accepts no more connections. */
function reportDraining(): void {
  try {
    event(DRAINING)
  } catch {
    process.exit() // the owner does not know yet that this process serves
  }
}

/** @throws TypeError if the user's function has returned something else than a server or a request listener */
function serverOf(made: unknown): Server {
  if (typeof made === 'function') return createServer(made as RequestListener)
  if (!(made instanceof Server))
    throw new TypeError(`the function must return a request listener or a server, not ${describeValue(made)}`)
  if (made.listening) throw new TypeError('the function must return a server that does not listen yet')
  return made
}

function listenOn(server: Server, fd: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const listenTo = server.listen.bind(server) as (options: { fd: number }, backlog: number) => Server
    listenTo({ fd }, backlog).once('listening', () => {
      server.off('error', reject)
      resolve()
    })
  })
}
