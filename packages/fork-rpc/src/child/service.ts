import { bindContext } from '@anyfork/fdpass/internal'
import {
  afterFork,
  hasUnwrittenOutput,
  loadFunction,
  loadModule,
  outputWritten,
  setMemoryPolicy,
} from '@anyfork/fork/internal/child'
import { RpcError } from '../errors.js'
import type { Codec } from '../values/codec.js'
import { codecOf } from '../values/serialiser.js'
import type { FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import type { ServeSettings } from '../wire/serve-settings.js'
import { sendEventsTo, setServing } from './events.js'
import { ExitReport } from './exit-report.js'
import { type Flusher, Responder } from './responder.js'

export type ServedFunction = (...args: unknown[]) => unknown

/** Calls a function of the user. */
type Invoke = <A extends unknown[], R>(call: (...args: A) => R, ...args: A) => R

/** What both backends need to serve calls. */
export interface Service {
  /** The functions by their numbers. A function is a promise until it is found, and remains one if it is not found. */
  readonly functions: (ServedFunction | Promise<ServedFunction>)[]
  readonly responder: Responder
  /** Calls a function in an async context of its own, which begins as that in which the process began to serve. */
  readonly invoke: Invoke
  readonly exitReport: ExitReport
  /** Makes a number stand for an export of the module. */
  name(number: number, name: string): void
  /** Call this when all calls have been answered and no more will come. */
  finish(): void
}

let lastReport: ExitReport | undefined

/** Applies the settings that concern the process as a whole. Call this first. */
export function applySettings({ memory }: ServeSettings): void {
  if (memory !== undefined) setMemoryPolicy(memory)
}

/** Ends the service in this process, without sending anything. */
export function disconnect(): void {
  lastReport?.stop()
  sendEventsTo()
  setServing(false)
}

afterFork(disconnect) // the connection belongs to the parent

/**
 * Prepares to serve: calls `init`, then looks up the function. If that fails, reports the error to the caller and
 * exits.
 *
 * @param args - the arguments that `sendArg` and `sendFd` sent to the process, then the settings
 */
export async function prepare(writer: FrameWriter, args: unknown[], flusher: Flusher): Promise<Service> {
  const { module, name, folder, serialiser, init, done, maxMessageBytes } = args.at(-1) as ServeSettings
  const invoke: Invoke = bindContext((call, ...args) => call(...args)) // before the user can enter a store
  const load = (from: string | undefined, exported: string): Promise<ServedFunction> =>
    invoke(loadFunction, from, exported, folder)
  let codec: Codec
  const exitReport = new ExitReport()
  exitReport.start()
  lastReport = exitReport
  setServing(true)
  try {
    // for errors before the serialiser is loaded
    exitReport.responder = new Responder(writer, codecOf('v8'), maxMessageBytes, flusher)
    exitReport.isAwaiting = true
    if (init !== undefined) await invoke(await load(module, init), ...args.slice(0, -1))
    codec = codecOf(serialiser)
    const functions: Service['functions'] = []
    if (name === undefined) await invoke(loadModule, module!, folder)
    else functions[0] = await load(module, name)
    const atEnd = done === undefined ? () => process.exit() : await load(done.module, done.name)
    const end = done?.exits ? () => exitAfter(atEnd) : atEnd
    const serving = new Responder(writer, codec, maxMessageBytes, flusher)
    exitReport.responder = serving
    exitReport.isAwaiting = false
    sendEventsTo(serving)
    serving.ready()
    return {
      functions,
      responder: serving,
      invoke,
      exitReport,
      name: (number, exported) => void (functions[number] = lookUp(functions, number, load(module, exported))),
      finish: () => {
        serving.writeAll()
        if (hasUnwrittenOutput()) void outputWritten().then(() => invoke(end))
        else void invoke(end)
      },
    }
  } catch (error) {
    exitReport.responder!.fatal(error)
    process.exit(1)
  }
}

/** Calls a function, waits for its promise, and exits. */
async function exitAfter(call: () => unknown): Promise<void> {
  await call()
  await outputWritten()
  process.exit()
}

/**
 * Returns the function of the current call, or a promise of it.
 *
 * @throws RpcError if its number was given to no function; the attachments of the call are then closed
 */
export function findFunction({ functions, responder }: Service, reader: FrameReader): Service['functions'][number] {
  const found = functions[reader.number]
  if (found) return found
  responder.messages.discard(reader.attachments)
  throw new RpcError('ERR_RPC_PROTOCOL', `a call has the number ${reader.number}, which no function has`)
}

/** Waits until a function is found. If it is not, calls `onMissing` before rejecting. */
export async function awaitFunction(found: Promise<ServedFunction>, onMissing: () => void): Promise<ServedFunction> {
  try {
    return await found
  } catch (error) {
    onMissing()
    throw error
  }
}

/**
 * Stores a function once it is found. If it is not found, the rejected promise stays in its place and rejects each
 * call.
 */
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

/** Exits the process if an error means that the socket has bytes that are not frames. Reports that to the caller. */
export function endIfInvalid(error: unknown, { responder }: Service): void {
  if (!(error instanceof RpcError)) return
  responder.fatal(error)
  process.exit(1) // the listener of `'exit'` writes the report
}

/** Exits the process if an error means that the caller is gone. */
export function endIfCallerGone(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPIPE' || code === 'ECONNRESET') process.exit()
}
