import type { Descriptor } from '@anyfork/fdpass'
import { Kind } from '../frame.js'
import { FrameQueue } from '../frame-queue.js'
import { Inbox } from './inbox.js'
import { endIfCallerGone, isThenable, prepare, type Service, type Setting } from './service.js'

/**
 * Serves calls one by one until the caller wants no more. Blocks while it waits
 * for the next one. An answer is written before the next call begins: nobody knows
 * how long that will take.
 *
 * @param socket - blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  const queue = new FrameQueue()
  const writeAll = (): void => void queue.writeTo(socket)
  let isServing = false
  const service = await prepare(queue, args, { onQueued: () => isServing && writeAll(), writeAll })
  isServing = true
  try {
    writeAll() // that it is ready
    await loop(new Inbox(socket), service)
    service.finish()
  } catch (error) {
    endIfCallerGone(error)
    throw error
  }
}

async function loop(inbox: Inbox, { functions, outlet, name }: Service): Promise<void> {
  const { parser } = inbox
  while (inbox.next()) {
    const { kind, id } = parser
    if (kind === Kind.end) return
    if (kind === Kind.name) name(parser.number, parser.takePayload().toString())
    if (kind === Kind.cancel) inbox.forget(id) // the call has been answered
    if (kind !== Kind.call) continue
    if (inbox.isCancelled(id)) {
      outlet.dropped(id)
      continue
    }
    try {
      const args = outlet.messages.read(parser)
      const found = functions[parser.number]!
      const result = (typeof found === 'function' ? found : await found)(...args)
      outlet.result(id, isThenable(result) ? await result : result)
    } catch (error) {
      outlet.error(id, error)
    }
    inbox.lookAhead()
  }
}
