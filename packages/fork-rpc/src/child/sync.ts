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
  const inbox = new Inbox(socket)
  let service: Service | undefined
  const writeAll = (): void => void queue.writeTo(socket)
  service = await prepare(queue, args, {
    onQueued: () => {
      if (service) writeAll()
    },
    writeAll,
    wait: isOver => inbox.wait(isOver, service!.outlet.streams),
  })
  try {
    writeAll() // that it is ready
    await loop(inbox, service)
    service.finish()
  } catch (error) {
    endIfCallerGone(error)
    throw error
  }
}

async function loop(inbox: Inbox, { functions, outlet, name }: Service): Promise<void> {
  const { reader } = inbox
  const { messages, streams } = outlet
  while (inbox.next()) {
    const { kind, id } = reader
    if (kind === Kind.end) return
    if (kind === Kind.name) name(reader.number, reader.takePayload().toString())
    else if (kind === Kind.cancel) inbox.forget(id) // the call has been answered
    else if (kind === Kind.nothing) messages.discard(reader)
    else if (kind !== Kind.call) streams.onFrame(reader)
    else if (inbox.isCancelled(id)) {
      messages.discard(reader)
      outlet.dropped(id)
    } else {
      const received: number[] = []
      try {
        const args = messages.read(reader, received)
        const found = functions[reader.number]!
        const result = (typeof found === 'function' ? found : await found)(...args)
        const sent: number[] = []
        outlet.result(id, isThenable(result) ? await result : result, sent)
        if (sent.length) await streams.begin(sent, () => {})
      } catch (error) {
        outlet.error(id, error)
      }
      if (received.length) streams.stopReading(received)
      inbox.lookAhead()
    }
  }
}
