import { read, type Descriptor } from '@anyfork/fdpass'
import { FrameParser, Kind } from '../frame.js'
import { endIfCallerGone, finish, isThenable, prepare, type Service, type Setting } from './service.js'

/** So many bytes of answers may wait for those that follow at once. */
const MOST_BYTES = 65536
/** An answer waits for those of the calls that have already come, but not longer than this, in milliseconds. */
const LONGEST_WAIT_MS = 1

/**
 * Serves calls one by one until the caller wants no more. Blocks while it waits
 * for the next one.
 *
 * @param socket - blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  let service: Service | undefined
  service = await prepare(socket, args, (waiting, isEvent) => {
    if (isEvent || waiting >= MOST_BYTES) service?.outlet.writeAll()
  })
  try {
    await loop(socket, service)
    finish(service)
  } catch (error) {
    endIfCallerGone(error)
    throw error
  }
}

async function loop(socket: Descriptor, { call, serialiser, outlet }: Service): Promise<void> {
  const parser = new FrameParser()
  let lastWrite = performance.now()
  for (;;) {
    outlet.writeAll()
    const count = read(socket, parser.room())
    if (count === 0) return
    parser.filled(count)
    while (parser.next()) {
      const { kind, id } = parser
      if (kind === Kind.end) return
      try {
        const result = call(...serialiser.decode(parser.payload))
        outlet.result(id, isThenable(result) ? await result : result)
      } catch (error) {
        outlet.error(id, error)
      }
      const now = performance.now()
      if (now - lastWrite > LONGEST_WAIT_MS) {
        outlet.writeAll()
        lastWrite = now
      }
    }
  }
}
