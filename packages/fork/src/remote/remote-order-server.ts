import { call, loadFunction } from '../child/modules.js'
import { prepare, runArgs } from '../child/prepare.js'
import { setSurroundings } from '../child/surroundings.js'
import type { Configuration } from '../configuration.js'
import { encodeError } from '../error-codec.js'
import { Command, type Frame, MOST_ANSWER_BYTES, Report } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import { EXITING, RemoteCommand, Socket } from '../protocol/remote-frames.js'
import { decodeRun, type RunOrder } from '../protocol/run-order.js'
import { Connection } from './connection.js'
import { Port } from './port.js'
import { PortStream } from './port-stream.js'
import type { ProvidedModules } from './provided-modules.js'
import type { ConnectionDescriptors } from './standard-streams.js'

const ofSocket: ReadonlySet<number> = new Set(Object.values(Socket))

/** Carries out the orders of the owner, one after the other. The last one runs a function. */
export class RemoteOrderServer {
  readonly #connection: Connection
  readonly #modules: ProvidedModules
  readonly #queue: Frame<never>[] = []
  readonly #port: Port
  #isBusy = false

  constructor(descriptors: ConnectionDescriptors, modules: ProvidedModules) {
    this.#modules = modules
    this.#connection = new Connection(descriptors, frame => this.#onFrame(frame))
    this.#port = new Port({
      send: (type, payload) => this.#connection.send(type, 0, payload),
      waitForFrame: () => this.#connection.receive(),
      hold: on => this.#connection.hold(on),
    })
    this.#connection.hold(true)
    this.#connection.send(Report.listening, 0)
    process.title = 'anyfork remote'
    afterExitListeners(() => this.#connection.send(EXITING, 0))
  }

  #onFrame(frame: Frame<never>): void {
    // Frames of the socket are not orders. They may come before the function runs.
    if (ofSocket.has(frame.type)) return this.#port.onFrame(frame.type, frame.payload)
    this.#queue.push(frame)
    if (!this.#isBusy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    try {
      for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) await this.#carryOut(frame)
    } catch (error) {
      this.#connection.send(Report.failed, 0, encodeError(error))
      process.exit(1)
    }
    this.#isBusy = false
  }

  async #carryOut(order: Frame<never>): Promise<void> {
    const { type, id, payload } = order
    switch (type) {
      case Command.ready:
        return this.#connection.send(Report.done, id)
      case Command.call:
        return this.#call(id, payload)
      case Command.run:
        return this.#run(id, decodeRun(payload))
      case Command.configure:
        return setSurroundings(decode<Configuration>(payload))
      case Command.end:
        process.exit()
        return
      case RemoteCommand.provide:
        return this.#modules.provide(decode(payload))
      default:
        await prepare(order)
    }
  }

  async #run(id: number, { module, name, folder }: RunOrder): Promise<void> {
    const provided = module === undefined ? undefined : this.#modules.get(module)
    const run = (provided?.[name] ?? (await loadFunction(module, name, folder))) as (...args: unknown[]) => unknown
    const args = runArgs()
    process.title = `anyfork ${name}`
    this.#connection.send(Report.done, id)
    process.nextTick(() => {
      void run(provided ? this.#port : new PortStream(this.#port), ...args)
      this.#connection.hold(false) // the function decides how long the process goes on
    })
  }

  async #call(id: number, payload: Buffer): Promise<void> {
    if (id === 0) {
      await call(decode(payload)) // an order to the process of which this one is a fork
      return
    }
    try {
      const answer = encode(await call(decode(payload)))
      if (answer.length > MOST_ANSWER_BYTES)
        throw new RangeError(`the answer has ${answer.length} bytes, more than ${MOST_ANSWER_BYTES}`)
      this.#connection.send(Report.done, id, answer)
    } catch (error) {
      this.#connection.send(Report.rejected, id, encodeError(error))
    }
  }
}

/** Calls a function after all listeners of `'exit'`, which may send results. */
function afterExitListeners(call: () => void): void {
  const emit = process.emit as (...args: unknown[]) => boolean
  process.emit = ((...args: unknown[]) => {
    const wasHeard = emit.apply(process, args)
    if (args[0] === 'exit') call()
    return wasHeard
  }) as typeof process.emit
}
