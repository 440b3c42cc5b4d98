import type { Descriptor } from '@anyfork/fdpass'
import { Kind } from '../frame.js'
import { FrameQueue } from '../frame-queue.js'
import type { FrameReader } from '../frame-reader.js'
import { Inbox } from './inbox.js'
import { writeAll } from '../write-all.js'
import { endIfCallerGone, foundOr, isThenable, prepare, type Service, type Setting } from './service.js'

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
  let service: Service | undefined
  const inbox = new Inbox(socket, frame => {
    if (frame.kind === Kind.descriptorsAhead) {
      inbox.expectDescriptors()
      queue.addUrgent(Kind.descriptorsWelcome, 0)
      queue.writeTo(socket)
    } else if (frame.kind === Kind.descriptorsWelcome) queue.welcomeDescriptors()
    else return service!.outlet.streams.onFrame(frame)
    return true
  })
  const write = (): void => writeAll(queue, socket, () => inbox.hear())
  service = await prepare(queue, args, {
    onQueued: () => {
      if (service) write()
    },
    writeAll: write,
    wait: isOver => inbox.wait(isOver),
  })
  try {
    write() // that it is ready
    await loop(inbox, service)
    service.finish()
  } catch (error) {
    endIfCallerGone(error)
    throw error
  }
}

async function loop(inbox: Inbox, service: Service): Promise<void> {
  const { reader } = inbox
  const { outlet } = service
  while (inbox.next()) {
    const { kind, id } = reader
    if (kind === Kind.end) return
    if (kind === Kind.name) service.name(reader.number, reader.takePayload().toString())
    else if (kind === Kind.cancel) inbox.forget(id) // the call has been answered
    else if (kind === Kind.nothing) outlet.messages.discard(reader.enclosed)
    else if (kind !== Kind.call) inbox.take()
    else if (inbox.isCancelled(id)) {
      outlet.messages.discard(reader.enclosed)
      outlet.dropped(id)
    } else {
      await carryOut(reader, service)
      inbox.lookAhead()
    }
  }
}

async function carryOut(reader: FrameReader, { functions, outlet }: Service): Promise<void> {
  const { id, enclosed } = reader
  const { messages, streams } = outlet
  const received: number[] = []
  try {
    const args = messages.read(reader, received)
    const found = functions[reader.number]!
    const served = typeof found === 'function' ? found : await foundOr(found, () => messages.discard(enclosed))
    const result = served(...args)
    const sent: number[] = []
    outlet.result(id, isThenable(result) ? await result : result, sent)
    if (sent.length) await streams.begin(sent, () => {})
  } catch (error) {
    outlet.error(id, error)
  }
  if (received.length) streams.stopReading(received)
}
