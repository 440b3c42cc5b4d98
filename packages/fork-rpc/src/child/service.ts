import { afterFork } from '@anyfork/fork'
import { hasUnwrittenOutput, loadFunction, loadModule, outputWritten } from '@anyfork/fork/internal/child'
import type { Codec } from '../values/codec.js'
import { codecOf } from '../values/serialiser.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import type { ServeSettings } from '../wire/serve-settings.js'
import { sendEventsTo } from './events.js'
import { type Flusher, Responder } from './responder.js'

export type ServedFunction = (...args: unknown[]) => unknown

/** What both backends serve. */
export interface Service {
  /** The functions by their numbers; those that are not found yet, or could not be, as promises. */
  readonly functions: (ServedFunction | Promise<ServedFunction>)[]
  readonly responder: Responder
  /** From now on this number means the export of this name. */
  name(number: number, name: string): void
  /** All calls have been answered and no more will come. */
  finish(): void
}

let disconnectLast = (): void => {}

/** This process serves nobody any more, and has nothing left to say. */
export function disconnect(): void {
  disconnectLast()
  sendEventsTo()
}

afterFork(disconnect) // what a copy inherits is not its own

/**
 * Prepares to serve: calls `init` with what was sent to the process, then looks up the
 * function. What goes wrong is told to the caller, and ends the process.
 *
 * @param args - what was sent with `sendArg` and `sendFd`, then the setting
 */
export async function prepare(writer: FrameWriter, args: unknown[], flusher: Flusher): Promise<Service> {
  const { module, name, folder, serialiser, init, done } = args.at(-1) as ServeSettings
  let codec: Codec
  let responder: Responder | undefined
  // However the process ends, what is done was done: its results go out.
  const onExit = (): void => writeLast(responder)
  process.on('exit', onExit)
  disconnectLast = () => void process.off('exit', onExit)
  try {
    responder = new Responder(writer, codecOf('v8'), flusher) // to tell what goes wrong
    if (init !== undefined) await (await loadFunction(module, init, folder))(...args.slice(0, -1))
    codec = codecOf(serialiser)
    const functions: Service['functions'] = []
    if (name === undefined) await loadModule(module!, folder)
    else functions[0] = await loadFunction(module, name, folder)
    const atEnd = done === undefined ? () => process.exit() : await loadFunction(done.module, done.name, folder)
    const serving = new Responder(writer, codec, flusher)
    responder = serving
    sendEventsTo(serving)
    serving.ready()
    return {
      functions,
      responder: serving,
      name: (number, exported) =>
        void (functions[number] = lookUp(functions, number, loadFunction(module, exported, folder))),
      finish: () => {
        serving.writeAll()
        if (hasUnwrittenOutput()) void outputWritten().then(atEnd)
        else void atEnd()
      },
    }
  } catch (error) {
    responder!.fatal(error)
    process.exit(1)
  }
}

/** Waits for a function to be found; if it is not, calls back before that is told. */
export async function awaitFunction(found: Promise<ServedFunction>, onMissing: () => void): Promise<ServedFunction> {
  try {
    return await found
  } catch (error) {
    onMissing()
    throw error
  }
}

/** A promise until it is found; one that rejects stays, for each call to reject. */
function lookUp(
  functions: Service['functions'],
  number: number,
  found: Promise<ServedFunction>,
): Promise<ServedFunction> {
  found.then(
    served => (functions[number] = served),
    () => {},
  )
  return found
}

function writeLast(responder: Responder | undefined): void {
  try {
    responder?.writeAll()
  } catch {
    // the caller is gone
  }
}

/** Ends the process where an error says that the caller is gone: nobody is left to tell. */
export function endIfCallerGone(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPIPE' || code === 'ECONNRESET') process.exit()
}
