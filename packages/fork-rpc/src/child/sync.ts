import type { Descriptor } from '@anyfork/fdpass'
import { hasUnwrittenOutput, outputWritten } from '@anyfork/fork/internal/child'
import { Kind } from '../wire/frame.js'
import type { FrameReader } from '../wire/frame-reader.js'
import { FrameQueue } from '../wire/frame-writer.js'
import { Spin } from '../wire/spin.js'
import { Inbox } from './blocking-reader.js'
import { Outbox } from './blocking-writer.js'
import { Instalments } from './reply-batching.js'
import { endIfCallerGone, foundOr, isThenable, prepare, type Served, type Service, type Setting } from './service.js'

/**
 * Serves calls one by one until the caller wants no more. Blocks while it waits
 * for the next one. Answers are written when no more calls have come, some earlier where
 * many have, and all within a millisecond or two, however long the next call takes.
 *
 * @param socket - blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  const queue = new FrameQueue()
  const instalments = new Instalments()
  let service: Service | undefined
  const inbox = new Inbox(socket, new Spin((args.at(-1) as Setting).spin), {
    onIdle: () => outbox.write(),
    isTaken: frame => {
      if (frame.kind === Kind.descriptorsAhead) {
        inbox.expectDescriptors()
        queue.addUrgent(Kind.descriptorsWelcome, 0)
        outbox.write()
      } else if (frame.kind === Kind.descriptorsWelcome) queue.welcomeDescriptors()
      else return service!.outlet.streams.onFrame(frame)
      return true
    },
  })
  const outbox = new Outbox(queue, socket, () => inbox.hear())
  const { reader } = inbox
  service = await prepare(queue, args, {
    onQueued: () => {
      if (service && !(reader.hasNext && !instalments.areDue(reader.waiting) && outbox.putOff())) outbox.write()
    },
    writeAll: () => outbox.write(),
    wait: isOver => inbox.wait(isOver),
  })
  try {
    outbox.write() // that it is ready
    await loop(inbox, outbox, service)
    service.finish()
  } catch (error) {
    endIfCallerGone(error)
    throw error
  }
}

async function loop(inbox: Inbox, outbox: Outbox, service: Service): Promise<void> {
  const { reader } = inbox
  const { outlet } = service
  let ticks = 0
  while (inbox.next()) {
    const { kind, id } = reader
    if (kind === Kind.end) return
    if (kind === Kind.name) service.name(reader.number, reader.takePayload().toString())
    else if (kind === Kind.cancel)
      continue // heard when it came
    else if (kind === Kind.nothing) outlet.messages.discard(reader.enclosed)
    else if (kind !== Kind.call) inbox.take()
    else if (inbox.isCancelled(id)) {
      outlet.messages.discard(reader.enclosed)
      outlet.dropped(id)
    } else {
      const isTicking = outbox.isPending
      const rest = carryOut(reader, service, outbox)
      if (rest) await rest
      if (hasUnwrittenOutput()) {
        outbox.write()
        await outputWritten() // nothing of it is written while the next call is waited for
      }
      if (isTicking && ticks === outbox.ticks) continue
      if (ticks !== outbox.ticks) outbox.write() // that call took its time
      ticks = outbox.ticks
      if (reader.hasNext) inbox.lookAhead()
    }
  }
}

/** The ids of streams among arguments, or results. */
const received: number[] = []
const sent: number[] = []

/** Answers a call, at once if that can be; else resolves when it has been. */
function carryOut(reader: FrameReader, { functions, outlet }: Service, outbox: Outbox): Promise<void> | undefined {
  const { id } = reader
  try {
    const args = outlet.messages.read(reader, received)
    const served = functions[reader.number]!
    if (typeof served === 'function' && !received.length) {
      const result = served(...args)
      if (!isThenable(result)) {
        outlet.result(id, result, sent)
        return sent.length ? outlet.streams.begin(sent.splice(0), () => {}) : undefined
      }
      outbox.write() // nobody knows how long it takes
      return answer(id, result, outlet)
    }
    const { enclosed } = reader
    return carryOutSlowly(
      id,
      () => (typeof served === 'function' ? served : foundOr(served, () => outlet.messages.discard(enclosed))),
      args,
      outlet,
    )
  } catch (error) {
    outlet.error(id, error)
    return undefined
  }
}

async function answer(id: number, result: PromiseLike<unknown>, outlet: Service['outlet']): Promise<void> {
  try {
    const streams: number[] = []
    outlet.result(id, await result, streams)
    if (streams.length) await outlet.streams.begin(streams, () => {})
  } catch (error) {
    outlet.error(id, error)
  }
}

/** With streams among its arguments, which end with it, or before its function was found. */
async function carryOutSlowly(
  id: number,
  find: () => Served | Promise<Served>,
  args: unknown[],
  outlet: Service['outlet'],
): Promise<void> {
  const streams = received.splice(0)
  await answer(id, (async () => (await find())(...args))(), outlet)
  outlet.streams.stopReading(streams)
}
