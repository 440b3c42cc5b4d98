import { callSafely } from '@anyfork/fdpass/internal'
import { decodeError } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { streamsIn } from '../values/discard.js'
import { disposeAll } from '../wire/dispose-all.js'
import { Kind, MOST_EVENT_VALUES } from '../wire/frame.js'
import { afterMicrotasks, TURNS_TO_REJECT, withAsyncStack } from './async-stack.js'
import type { Channel } from './channel.js'
import type { UserCallbacks } from './user-callbacks.js'

/** The number of microtask turns until a result has reached the awaiting function. A traced call needs one more. */
const TURNS_TO_SETTLE = 2

/** The owner of the connection. */
export interface ResponseListener {
  /** The process serves. */
  onReady(): void
  /** The process reports why it ends. */
  onFatal(error: Error): void
  /** The process reports an error that ends it. */
  onUncaught(error: Error): void
  /** The process reports that it ends, because nothing is left that could settle the promise that it awaits. */
  onStranded(): void
  /** The process has sent invalid data. */
  onProtocolError(cause: Error): void
  /** All frames received so far have been handled. */
  onHandled(): void
}

/** Handles the frames of the process: responses, events, streams, and the state of the connection. */
export class Responses {
  readonly #channel: Channel
  readonly #callbacks: UserCallbacks
  readonly #listener: ResponseListener
  #isReady = false

  constructor(channel: Channel, callbacks: UserCallbacks, listener: ResponseListener) {
    this.#channel = channel
    this.#callbacks = callbacks
    this.#listener = listener
  }

  /**
   * Handles all frames received so far. An event that follows a result in the same batch waits until the promise of
   * that result has settled and the awaiting code has run.
   */
  handleAll(): void {
    const { transport } = this.#channel
    const { reader } = transport
    let turns = 0
    while (transport.isOpen && this.#next()) {
      if (reader.kind === Kind.event && turns) {
        transport.isFrameDeferred = true
        return afterMicrotasks(turns, () => this.#resume())
      }
      if (reader.kind === Kind.error || reader.kind === Kind.itemsError) turns = TURNS_TO_REJECT
      else if (reader.kind === Kind.result) turns = Math.max(turns, TURNS_TO_SETTLE)
      else if (!turns) turns = 1
      this.#onFrame()
    }
    this.#listener.onHandled()
  }

  #resume(): void {
    const { transport } = this.#channel
    transport.isFrameDeferred = false
    if (transport.isOpen) this.#onFrame()
    else this.#closeDescriptors()
    this.handleAll()
  }

  #next(): boolean {
    try {
      return this.#channel.transport.reader.next()
    } catch (error) {
      this.#listener.onProtocolError(error as Error)
      return false
    }
  }

  #onFrame(): void {
    try {
      this.#handle()
    } catch (error) {
      this.#closeDescriptors()
      this.#listener.onProtocolError(error as Error)
    }
  }

  /** Closes the descriptors of the current frame, which were not handed to any code. */
  #closeDescriptors(): void {
    disposeAll(this.#channel.transport.reader.attachments?.descriptors ?? [])
  }

  #handle(): void {
    const { transport, messages, streams, counts } = this.#channel
    const { reader } = transport
    switch (reader.kind) {
      case Kind.result:
        counts.results++
        return this.#settle(() => messages.read(reader, 1)[0])
      case Kind.error: {
        counts.errors++
        const error = decodeError(reader.takePayload())
        return this.#settle(() => withAsyncStack(error))
      }
      case Kind.event:
        return this.#onEvent()
      case Kind.dropped:
        return this.#onDropped()
      case Kind.descriptorsAhead:
        return transport.expectDescriptors()
      case Kind.descriptorsWelcome:
        transport.writer.welcomeDescriptors()
        return transport.flushSoon()
      case Kind.ready:
        return this.#onReady()
      case Kind.fatal:
        return this.#listener.onFatal(decodeError(reader.takePayload()))
      case Kind.uncaught:
        return this.#listener.onUncaught(decodeError(reader.takePayload()))
      case Kind.stranded:
        return this.#listener.onStranded()
      default:
        streams.onFrame(reader)
    }
  }

  #onReady(): void {
    if (this.#isReady) throw new RpcError('ERR_RPC_PROTOCOL', 'the process reported twice that it serves')
    this.#isReady = true
    this.#listener.onReady()
  }

  #onEvent(): void {
    const { transport, messages, calls, counts } = this.#channel
    const { reader } = transport
    counts.events++
    if (reader.attachments && streamsIn(reader.attachments).length)
      throw new RpcError('ERR_RPC_PROTOCOL', 'an event has a stream among its values')
    const listener = calls.listenerOf(reader.id) ?? this.#callbacks.eventListener()
    if (!listener) return messages.discard(reader.attachments)
    const values = messages.read(reader, MOST_EVENT_VALUES)
    callSafely(() => listener(...values))
  }

  #onDropped(): void {
    const { calls, transport } = this.#channel
    const call = calls.get(transport.reader.id)
    if (!call || (!call.isAbandoned && !call.aborted))
      throw new RpcError('ERR_RPC_PROTOCOL', 'the process dropped a call that was not aborted')
    calls.take(transport.reader.id)
    if (call.aborted) call.reject(call.aborted.reason)
  }

  /**
   * Settles the call of the current frame.
   *
   * @param read - returns its result, or a promise that rejects with its error. If it throws, the call rejects
   * @throws RpcError if there is no such call, or the frame is invalid
   */
  #settle(read: () => unknown): void {
    const { transport, messages, calls } = this.#channel
    const { id, attachments } = transport.reader
    const call = calls.get(id)
    if (!call) throw new RpcError('ERR_RPC_PROTOCOL', 'a response belongs to no pending call')
    if (call.isAbandoned) messages.discard(attachments)
    let value: unknown
    try {
      if (!call.isAbandoned) value = read()
    } catch (error) {
      if (error instanceof RpcError) throw error // `#finish` rejects the call
      calls.take(id)
      return call.reject(error)
    }
    calls.take(id)
    if (!call.isAbandoned) call.resolve(value)
  }
}
