import { read, type Descriptor } from '@anyfork/fdpass'
import { FrameParser, Kind } from '../frame.js'
import { endIfCallerGone, finish, isThenable, prepare, type Service, type Setting } from './service.js'

/**
 * Serves calls one by one until the caller wants no more. Blocks while it waits
 * for the next one. An answer is written before the next call begins: nobody knows
 * how long that will take.
 *
 * @param socket - blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  let service: Service | undefined
  service = await prepare(socket, args, () => service?.outlet.writeAll())
  service.outlet.writeAll() // that it is ready
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
  for (;;) {
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
    }
  }
}
