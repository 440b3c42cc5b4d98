import type { Descriptor } from '@anyfork/fdpass'
import { loadFunction } from '@anyfork/fork/child'
import { serialisers, type Serialiser, type SerialiserName } from '../serialiser.js'
import { connectEvents } from './events.js'
import { Outlet } from './outlet.js'

/** What the caller tells first. */
export interface Setting {
  module: string
  name: string
  folder: string
  serialiser: SerialiserName
  init: string | undefined
  done: string | undefined
}

/** What both backends serve. */
export interface Service {
  call: (...args: unknown[]) => unknown
  serialiser: Serialiser
  outlet: Outlet
  /** Instead of ending the process, at the end. */
  done: (() => unknown) | undefined
}

/**
 * Prepares to serve: calls `init` with what was sent to the process, then looks up the
 * function. What goes wrong is told to the caller, and ends the process.
 *
 * @param args - what was sent with `sendArg` and `sendFd`, then the setting
 */
export async function prepare(socket: Descriptor, args: unknown[], onFrame: () => void): Promise<Service> {
  const { module, name, folder, serialiser: serialiserName, init, done } = args.at(-1) as Setting
  const serialiser = serialisers[serialiserName]
  const outlet = new Outlet(socket, serialiser, onFrame)
  // However the process ends, what is done was done: its results go out.
  process.on('exit', () => writeLast(outlet))
  try {
    if (init !== undefined) await (await loadFunction(module, init, folder))(...args.slice(0, -1))
    const call = await loadFunction(module, name, folder)
    const service = { call, serialiser, outlet, done: done === undefined ? undefined : await loadFunction(module, done, folder) }
    connectEvents(outlet)
    outlet.ready()
    return service
  } catch (error) {
    outlet.fatal(error)
    process.exit(1)
  }
}

/** All calls have been answered and no more will come. */
export function finish({ outlet, done }: Service): void {
  outlet.writeAll()
  if (done) void done()
  else process.exit()
}

function writeLast(outlet: Outlet): void {
  try {
    outlet.writeAll()
  } catch {
    // the caller is gone
  }
}

/** Ends the process where an error says that the caller is gone: nobody is left to tell. */
export function endIfCallerGone(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPIPE' || code === 'ECONNRESET') process.exit()
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
