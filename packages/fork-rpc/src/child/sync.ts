import type { Descriptor } from '@anyfork/fdpass'
import { bindContext } from '@anyfork/fdpass/internal'
import { hasUnwrittenOutput, outputWritten } from '@anyfork/fork/internal/child'
import { Flag, Kind } from '../wire/frame.js'
import type { FrameReader } from '../wire/frame-reader.js'
import { FrameWriter } from '../wire/frame-writer.js'
import type { ServeSettings } from '../wire/serve-settings.js'
import { Spin } from '../wire/spin.js'
import { BlockingReader } from './blocking-reader.js'
import { BlockingWriter } from './blocking-writer.js'
import { noteBackend } from './events.js'
import { ReplyBatching } from './reply-batching.js'
import {
  applySettings,
  awaitFunction,
  endIfCallerGone,
  endIfInvalid,
  findFunction,
  prepare,
  type ServedFunction,
  type Service,
} from './service.js'
import { SharedPage } from './shared-page.js'
import { isThenable } from './with-done.js'

noteBackend()

/**
 * Serves calls one by one until the caller closes the connection. Blocks while it waits for the next call. Responses
 * are written when no more calls have arrived, earlier if many have, and within a millisecond or two in any case,
 * however long the next call takes.
 *
 * @param socket - must be blocking
 * @param args - the arguments of `init`, then the memory to share, if any, then the settings
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], ServeSettings]): Promise<void> {
  applySettings(args.at(-1) as ServeSettings)
  await serveCalls(socket, ...args)
}

/** Like `serve`, in a process that is not a worker for the rest of its life. */
export async function serveCalls(socket: Descriptor, ...args: [...unknown[], ServeSettings]): Promise<void> {
  const writer = new FrameWriter()
  const batching = new ReplyBatching()
  const carryOutCall = bindContext(carryOut) // before the module, or `init`, can enter a store
  let service: Service | undefined
  const { spin, maxMessageBytes, hasSharedPage } = args.at(-1) as ServeSettings
  const page = hasSharedPage ? SharedPage.map(args.splice(-2, 1)[0] as Descriptor) : undefined
  const input = new BlockingReader(socket, new Spin(spin), maxMessageBytes, {
    onIdle: () => output.write(),
    handle: frame => {
      if (frame.kind === Kind.descriptorsAhead) {
        input.expectDescriptors()
        writer.addUrgent(Kind.descriptorsWelcome, 0)
        output.write()
      } else if (frame.kind === Kind.descriptorsWelcome) writer.welcomeDescriptors()
      else return service!.responder.streams.onFrame(frame)
      return true
    },
  })
  const output = new BlockingWriter(writer, socket, () => input.receiveMore(), page)
  const { reader } = input
  service = await prepare(writer, args, {
    onQueued: () => {
      if (service && !(hasMore(reader) && !batching.recordReply(reader.waiting) && output.defer())) output.write()
    },
    onAnswer: () => page?.end(),
    writeAll: () => output.write(),
    idOfCall: () => running,
    wait: isOver => input.wait(isOver),
  })
  try {
    output.write() // the frame `ready`
    await loop(input, output, service, carryOutCall, page)
    service.finish()
    output.end()
  } catch (error) {
    endIfCallerGone(error)
    endIfInvalid(error, service)
    throw error
  }
}

async function loop(
  input: BlockingReader,
  output: BlockingWriter,
  service: Service,
  carryOutCall: typeof carryOut,
  page: SharedPage | undefined,
): Promise<void> {
  const { reader } = input
  const { responder, exitReport } = service
  let ticks = 0
  while (input.next()) {
    const { kind, id } = reader
    if (kind === Kind.end) return
    if (kind === Kind.name) service.name(reader.number, reader.takePayload().toString())
    else if (kind === Kind.cancel)
      continue // the reader has recorded it already
    else if (kind === Kind.nothing) responder.messages.discard(reader.attachments)
    else if (kind !== Kind.call) input.handleFrame()
    else if (input.takeCancellation(id) || (reader.flags & Flag.claimed && !page?.claim(id))) {
      responder.messages.discard(reader.attachments)
      responder.dropped(id)
    } else {
      const isTicking = output.isPending
      page?.begin()
      const rest = carryOutCall(reader, service, output)
      if (rest) {
        exitReport.isAwaiting = true
        await rest
        exitReport.isAwaiting = false
      }
      if (hasUnwrittenOutput()) {
        output.write()
        await outputWritten() // it would not be written while the process blocks for the next call
      }
      if (isTicking && ticks === output.ticks) continue
      if (ticks !== output.ticks) output.write() // the call took longer than a tick
      ticks = output.ticks
      if (hasMore(reader)) input.lookAhead()
    }
  }
}

/** Reports whether anything follows the current call but the end of the connection. */
function hasMore({ nextKind }: FrameReader): boolean {
  return nextKind !== undefined && nextKind !== Kind.end
}

/** The IDs of the streams among the arguments and in the result of the current call. Reused by all calls. */
const received: number[] = []
const sent: number[] = []

/** The ID of the call that runs, or has run last. */
let running = 0

/** Runs a call. Returns undefined if it has been answered, else a promise that resolves when it has. */
function carryOut(reader: FrameReader, service: Service, output: BlockingWriter): Promise<void> | undefined {
  const { responder } = service
  const { id } = reader
  running = id
  try {
    const served = findFunction(service, reader)
    const args = responder.messages.read(reader, Infinity, received)
    if (typeof served === 'function' && !received.length) {
      const result = served(...args)
      if (!isThenable(result)) {
        responder.result(id, result, sent)
        return sent.length ? responder.streams.begin(sent.splice(0), () => {}) : undefined
      }
      output.write() // the promise may take long
      return answer(id, result, responder)
    }
    const { attachments } = reader
    const find = async (): Promise<ServedFunction> =>
      typeof served === 'function' ? served : awaitFunction(served, () => responder.messages.discard(attachments))
    return carryOutSlowly(id, find(), args, service)
  } catch (error) {
    responder.error(id, error)
    return undefined
  }
}

async function answer(id: number, result: PromiseLike<unknown>, responder: Service['responder']): Promise<void> {
  try {
    const streams: number[] = []
    responder.result(id, await result, streams)
    if (streams.length) await responder.streams.begin(streams, () => {})
  } catch (error) {
    responder.error(id, error)
  }
}

/** Runs a call with streams among its arguments, which end with it, or whose function is still being looked up. */
async function carryOutSlowly(
  id: number,
  found: Promise<ServedFunction>,
  args: unknown[],
  { responder, invoke }: Service,
): Promise<void> {
  const streams = received.splice(0)
  await found.then(
    served => invoke(() => answer(id, (async () => served(...args))(), responder)),
    error => responder.error(id, error),
  )
  responder.streams.stopReading(streams)
}
