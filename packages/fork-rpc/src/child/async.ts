import type { Descriptor } from '@anyfork/fdpass'
import { bindContext } from '@anyfork/fdpass/internal'
import { afterFork } from '@anyfork/fork/internal/child'
import { acceptedFromCaller, Flag, Kind } from '../wire/frame.js'
import type { ServeSettings } from '../wire/serve-settings.js'
import { Spin } from '../wire/spin.js'
import { Transport } from '../wire/transport.js'
import { CancellableCall, currentCall } from './call-signal.js'
import { noteBackend } from './events.js'
import { IdleTimer } from './idle-timer.js'
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
import { isThenable } from './with-done.js'

noteBackend()

/** While more bytes of responses than this wait for the caller to read them, no more calls are read. */
const HIGH_WATER_BYTES = 1 << 20
/** Above this, whichever function sends something blocks until all of it is written. */
const HIGHEST_BYTES = 1 << 22

/**
 * Serves calls on the event loop, as many at a time as arrive. Responses go out in the order in which calls finish:
 * those of one turn of the event loop together, or in several batches if many calls have arrived.
 *
 * @param socket - becomes non-blocking
 * @param args - the arguments of `init`, then the settings
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], ServeSettings]): Promise<void> {
  const settings = args.at(-1) as ServeSettings
  applySettings(settings)
  await new EventLoopServer(settings).serve(socket, args)
}

/**
 * Like `serve`, but runs one call at a time, for processes without the blocking backend: each call begins when the one
 * before has been answered, and the stream that it returned has ended.
 */
export async function serveOneByOne(socket: Descriptor, ...args: [...unknown[], ServeSettings]): Promise<void> {
  const settings = args.at(-1) as ServeSettings
  applySettings(settings)
  await new EventLoopServer(settings, Promise.resolve()).serve(socket, args)
}

class EventLoopServer {
  readonly #transport: Transport
  /** The running calls that the caller may cancel. */
  readonly #cancellable = new Map<number, CancellableCall>()
  readonly #cancelled = new Set<number>()
  readonly #batching = new ReplyBatching()
  readonly #idleTimer = new IdleTimer(() => this.#running > 0)
  /** Runs the listeners of a call's signal in an async context of their own. */
  readonly #cancel = bindContext((id: number): void => this.#cancellable.get(id)?.cancel())
  /** Where calls run one after the other: settles when the last one so far is over. */
  #last: Promise<void> | undefined
  #service: Service | undefined
  #running = 0
  /** The bytes of the calls that have been read and not begun. */
  #unbegunBytes = 0
  #hasEnded = false
  #isFinished = false
  #isDeaf = false

  constructor({ spin, maxMessageBytes }: ServeSettings, last?: Promise<void>) {
    this.#last = last
    const listener = {
      onFrames: () => this.#onArrived(),
      onEnd: () => this.#onCallerGone(),
      onWritten: () => this.#onWritten(),
      onBroken: endIfCallerGone,
    }
    this.#transport = new Transport(listener, new Spin(spin), { accepted: acceptedFromCaller, maxMessageBytes })
  }

  async serve(socket: Descriptor, args: unknown[]): Promise<void> {
    this.#transport.setReading(false)
    this.#transport.open(socket)
    // A fork must close its copy of the connection, or its socket would be closed with a watch still on it.
    const undo = afterFork(() => {
      this.#idleTimer.stop()
      this.#transport.close()
      undo()
    })
    this.#service = await prepare(this.#transport.writer, args, {
      onQueued: () => {
        const { writer, reader } = this.#transport
        if (writer.length > HIGHEST_BYTES) this.#writeAll()
        else if (this.#batching.recordReply(reader.waiting + this.#unbegunBytes)) this.#transport.flush()
        else this.#transport.flushSoon()
      },
      writeAll: () => this.#writeAll(),
      idOfCall: () => currentCall()?.id ?? 0,
    })
    this.#transport.setReading(true)
  }

  #writeAll(): void {
    try {
      this.#transport.flushAll()
    } catch (error) {
      endIfCallerGone(error)
      throw error
    }
  }

  #onArrived(): void {
    try {
      this.#onFrames()
    } catch (error) {
      endIfInvalid(error, this.#service!)
      throw error
    }
  }

  #onFrames(): void {
    const { reader } = this.#transport
    // A call whose `cancel` has arrived already is not begun.
    reader.scan((kind, id) => {
      if (kind === Kind.cancel && !this.#cancellable.has(id)) this.#cancelled.add(id)
    })
    while (reader.next()) {
      switch (reader.kind) {
        case Kind.call:
          this.#call(reader.id)
          break
        case Kind.cancel:
          this.#cancelled.delete(reader.id)
          this.#cancel(reader.id)
          break
        case Kind.name:
          this.#service!.name(reader.number, reader.takePayload().toString())
          break
        case Kind.descriptorsAhead:
          this.#transport.expectDescriptors()
          break
        case Kind.descriptorsWelcome:
          this.#transport.writer.welcomeDescriptors()
          this.#transport.flushSoon()
          break
        case Kind.nothing:
          this.#service!.responder.messages.discard(reader.attachments)
          break
        case Kind.end:
          this.#end()
          break
        default:
          this.#service!.responder.streams.onFrame(reader)
      }
    }
  }

  #call(id: number): void {
    const { responder, invoke } = this.#service!
    const { messages } = responder
    const { reader } = this.#transport
    if (this.#cancelled.size && this.#cancelled.delete(id)) {
      messages.discard(reader.attachments)
      return responder.dropped(id)
    }
    const call = reader.flags & Flag.cancellable ? this.#cancellableCall(id) : undefined
    const received: number[] = []
    this.#running++
    const fail = (error: unknown): void => {
      responder.error(id, error)
      this.#over(id, call, received)
    }
    try {
      const { attachments, size } = reader
      const found = findFunction(this.#service!, reader)
      const args = messages.read(reader, Infinity, received)
      if (typeof found === 'function') this.#begin(size, () => this.#run(id, found, args, call, received))
      else if (this.#last)
        this.#begin(size, () =>
          awaitFunction(found, () => messages.discard(attachments)).then(
            served => this.#run(id, served, args, call, received),
            fail,
          ),
        )
      else
        awaitFunction(found, () => messages.discard(attachments)).then(
          served => void invoke(() => this.#run(id, served, args, call, received)),
          fail,
        )
    } catch (error) {
      fail(error)
    }
  }

  /**
   * Runs a call in a microtask: Node gives it an async context of its own, as it does the generator that the call
   * returns. In the callback of the watch, an `AsyncResource` would cost some microseconds more on Node 20.
   *
   * @param size - the size of the call in bytes
   */
  #begin(size: number, run: () => Promise<void>): void {
    this.#unbegunBytes += size
    const begin = (): Promise<void> => {
      this.#unbegunBytes -= size
      return run()
    }
    if (this.#last) this.#last = this.#last.then(begin)
    else queueMicrotask(() => void begin())
  }

  async #run(
    id: number,
    served: ServedFunction,
    args: unknown[],
    call: CancellableCall | undefined,
    received: number[],
  ): Promise<void> {
    const { responder } = this.#service!
    const { streams } = responder
    try {
      if (this.#last && call?.isCancelled) {
        responder.dropped(id)
        return this.#over(id, call, received)
      }
      const result = call ? call.run(() => served(...args)) : served(...args)
      const sent: number[] = []
      responder.result(id, isThenable(result) ? await result : result, sent)
      if (call) this.#cancellable.delete(id) // the caller may use its ID again
      if (sent.length)
        await (call ? call.run(() => streams.begin(sent, () => call.cancel())) : streams.begin(sent, () => {}))
    } catch (error) {
      responder.error(id, error)
    }
    this.#over(id, call, received)
  }

  #over(id: number, call: CancellableCall | undefined, received: number[]): void {
    if (call && this.#cancellable.get(id) === call) this.#cancellable.delete(id)
    if (received.length) this.#service!.responder.streams.stopReading(received)
    if (--this.#running === 0) this.#idleTimer.onIdle()
    this.#onWritten()
  }

  #cancellableCall(id: number): CancellableCall {
    const call = new CancellableCall(id)
    this.#cancellable.set(id, call)
    return call
  }

  /** Lets running calls finish. No more will come. */
  #onCallerGone(): void {
    this.#isDeaf = true
    this.#service?.responder.streams.end(new Error('the caller is gone'))
    this.#end()
  }

  /** No more calls will come. */
  #end(): void {
    this.#hasEnded = true
    this.#onWritten()
  }

  #onWritten(): void {
    if (!this.#service) return // calls wait until `prepare` is done
    const { writer } = this.#transport
    const isOpen = (!this.#hasEnded || this.#running > 0) && writer.length <= HIGH_WATER_BYTES
    // Without the answer to `descriptorsAhead`, nothing could be written.
    this.#transport.setReading(!this.#isDeaf && (isOpen || writer.isAsking))
    if (!this.#hasEnded || this.#running || writer.length || this.#isFinished) return
    this.#isFinished = true
    this.#service.finish()
  }
}
