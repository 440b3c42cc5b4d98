import { read, type Descriptor } from '@anyfork/fdpass'
import { loadFunction } from '@anyfork/fork/child'
import { FrameParser, Kind } from '../frame.js'
import { serialisers, type SerialiserName } from '../serialiser.js'
import { connectEvents } from './events.js'
import { Outlet } from './outlet.js'

/** What the caller tells first. */
export interface Setting {
  module: string
  name: string
  folder: string
  serialiser: SerialiserName
}

/** An answer waits for those of the calls that have already come, but not longer than this, in milliseconds. */
const LONGEST_WAIT_MS = 1

/**
 * Serves calls one by one until the caller wants no more. Blocks while it waits
 * for the next one.
 *
 * @param socket - blocking
 * @param setting - the last argument
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  const { module, name, folder, serialiser } = args.at(-1) as Setting
  const outlet = new Outlet(socket, serialisers[serialiser])
  let call: (...args: unknown[]) => unknown
  try {
    call = await loadFunction(module, name, folder)
  } catch (error) {
    outlet.fatal(error)
    process.exit(1)
  }
  connectEvents(outlet)
  outlet.ready()
  await loop(socket, outlet, call, bytes => serialisers[serialiser].decode(bytes))
  process.exit()
}

async function loop(socket: Descriptor, outlet: Outlet, call: (...args: unknown[]) => unknown, decode: (bytes: Buffer) => unknown[]): Promise<void> {
  const parser = new FrameParser()
  let lastFlush = performance.now()
  for (;;) {
    outlet.flush()
    const count = read(socket, parser.room())
    if (count === 0) return
    parser.filled(count)
    while (parser.next()) {
      const { kind, id } = parser
      if (kind === Kind.end) return outlet.flush()
      try {
        const result = call(...decode(parser.payload))
        outlet.result(id, isThenable(result) ? await result : result)
      } catch (error) {
        outlet.error(id, error)
      }
      const now = performance.now()
      if (now - lastFlush > LONGEST_WAIT_MS) {
        outlet.flush()
        lastFlush = now
      }
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}
