import { decodeError } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { Kind } from '../wire/frame.js'
import { afterTurns, TURNS_TO_TELL, withCallerStack } from './async-stack.js'
import type { Line } from './channel.js'
import type { OutstandingCall } from './pending-calls.js'
import type { Listeners } from './user-callbacks.js'

/** How many turns of the microtask queue it takes until a result has reached who waits for it: one more where the call is traced. */
const TURNS_TO_SETTLE = 2

/** Who looks after the connection. */
export interface AnswerListener {
  /** The process can be called. */
  onReady(): void
  /** It says why it will end. */
  onFatal(error: Error): void
  /** What it says makes no sense. */
  onNonsense(cause: Error): void
  /** All that has come has been seen to. */
  onTaken(): void
}

/** What the process says: answers, events, and what concerns the connection. */
export class Answers {
  readonly #line: Line
  readonly #listeners: Listeners
  readonly #listener: AnswerListener

  constructor(line: Line, listeners: Listeners, listener: AnswerListener) {
    this.#line = line
    this.#listeners = listeners
    this.#listener = listener
  }

  /**
   * Sees to all frames that have come. Promises settle before an event that came after
   * their results: where one follows, the caller's code gets its turn first.
   */
  take(): void {
    const { transport } = this.#line
    const { reader } = transport
    let turns = 0
    while (transport.isOpen && this.#next()) {
      if (reader.kind === Kind.event && turns) {
        transport.isFramePutOff = true
        return afterTurns(turns, () => this.#goOn())
      }
      if (reader.kind === Kind.error || reader.kind === Kind.itemsError) turns = TURNS_TO_TELL
      else if (reader.kind === Kind.result) turns = Math.max(turns, TURNS_TO_SETTLE)
      else if (!turns) turns = 1
      this.#onFrame()
    }
    this.#listener.onTaken()
  }

  #goOn(): void {
    const { transport } = this.#line
    transport.isFramePutOff = false
    if (transport.isOpen) this.#onFrame()
    this.take()
  }

  #next(): boolean {
    try {
      return this.#line.transport.reader.next()
    } catch (error) {
      this.#listener.onNonsense(error as Error)
      return false
    }
  }

  #onFrame(): void {
    try {
      this.#see()
    } catch (error) {
      this.#listener.onNonsense(error as Error)
    }
  }

  #see(): void {
    const { transport, messages, streams, counts } = this.#line
    const { reader } = transport
    switch (reader.kind) {
      case Kind.result:
        counts.results++
        return this.#settle(call => call.resolve(messages.read(reader)[0]))
      case Kind.error:
        counts.errors++
        return this.#settle(call => call.resolve(withCallerStack(decodeError(reader.takePayload()))))
      case Kind.event:
        return this.#onEvent()
      case Kind.dropped:
        return this.#onDropped()
      case Kind.descriptorsAhead:
        return transport.expectDescriptors()
      case Kind.descriptorsWelcome:
        transport.queue.welcomeDescriptors()
        return transport.flushSoon()
      case Kind.ready:
        return this.#listener.onReady()
      case Kind.fatal:
        return this.#listener.onFatal(decodeError(reader.takePayload()))
      default:
        if (!streams.onFrame(reader)) throw new RpcError('ERR_RPC_PROTOCOL', `a frame of unknown kind ${reader.kind}`)
    }
  }

  #onEvent(): void {
    const { transport, messages, counts } = this.#line
    counts.events++
    if (this.#listeners.areThereForEvents) this.#listeners.event(messages.read(transport.reader))
    else messages.discard(transport.reader.enclosed)
  }

  #onDropped(): void {
    const { calls, transport } = this.#line
    const call = calls.get(transport.reader.id)
    if (call && !call.isAbandoned && !call.givenUp)
      throw new RpcError('ERR_RPC_PROTOCOL', 'a call was dropped that was not given up')
    calls.take(transport.reader.id)
    if (call?.givenUp) call.reject(call.givenUp.reason)
  }

  #settle(how: (call: OutstandingCall) => void): void {
    const { transport, messages, calls } = this.#line
    const { id, enclosed } = transport.reader
    const call = calls.take(id)
    if (!call || call.isAbandoned) return messages.discard(enclosed)
    try {
      how(call)
    } catch (error) {
      call.reject(error)
    }
  }
}
