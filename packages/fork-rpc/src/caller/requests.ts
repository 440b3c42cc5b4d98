import { RpcError } from '../errors.js'
import { RemoteIterable } from '../streams/remote-iterable.js'
import { dropDescriptors } from '../values/descriptors.js'
import { Flag, Kind } from '../wire/frame.js'
import { type CallOptions, watchForAbort } from './call-options.js'
import { CallPromise } from './call-promise.js'
import { DeferredKills } from './cancellation.js'
import type { Channel } from './channel.js'
import type { PendingCall } from './pending-calls.js'

/** Of calls without streams, that is nearly all. */
const NO_STREAMS: readonly number[] = []

/** Who looks after the connection. */
export interface RequestListener {
  /** A call is awaited. */
  onCall(): void
  /** One less is. @param killed - whether the process is to end with it */
  onAborted(killed: boolean): void
}

/** What the caller asks for: calls, from when they are made until they are answered or given up. */
export class Requests {
  /** `close` was called: no more calls are made. */
  isClosed = false
  /** The process can be called. It begins none before that. */
  isReady = false
  /** Why no call can be answered any more. */
  failure: Error | undefined
  readonly #channel: Channel
  readonly #isAsync: boolean
  readonly #listener: RequestListener
  readonly #deferredKills: DeferredKills
  /** Exports by name, and the number that stands for each. */
  readonly #functions = new Map<string, number>()

  constructor(channel: Channel, isAsync: boolean, listener: RequestListener) {
    this.#channel = channel
    this.#isAsync = isAsync
    this.#listener = listener
    this.#deferredKills = new DeferredKills(
      channel.calls,
      call => this.#hasItsTurn(call),
      () => listener.onAborted(true),
    )
  }

  /** The number that stands for an export of the module. */
  numberOf(name: string): number {
    let number = this.#functions.get(name)
    if (number === undefined) {
      number = this.#functions.size + 1
      this.#functions.set(name, number)
      this.#channel.transport.writer.add(Kind.name, 0, Buffer.from(name), undefined, undefined, 0, number)
    }
    return number
  }

  nameOf(number: number): string {
    return [...this.#functions.keys()][number - 1]!
  }

  call(number: number, args: readonly unknown[], options?: CallOptions): CallPromise {
    if (this.isClosed || this.failure || options?.signal?.aborted) return this.#refuse(args, options)
    const { calls, messages, transport, counts } = this.#channel
    const id = calls.reserve()
    const sent: number[] = []
    try {
      messages.add(Kind.call, id, args, number, options ? Flag.cancellable : 0, sent)
    } catch (error) {
      calls.release(id)
      return rejected(error)
    }
    counts.calls++
    transport.flushSoon()
    const streams = sent.length ? sent : NO_STREAMS
    const call = new CallPromise((resolve, reject) => {
      if (options) this.#setWithOptions(id, resolve, reject, streams, options)
      else calls.set(id, resolve, reject, streams)
    })
    this.#listener.onCall()
    return call
  }

  #refuse(args: readonly unknown[], options: CallOptions | undefined): CallPromise {
    dropDescriptors(args)
    if (this.isClosed) return rejected(new RpcError('ERR_RPC_CLOSED', 'called after close()'))
    return rejected(this.failure ?? options!.signal!.reason)
  }

  #setWithOptions(
    id: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    streams: readonly number[],
    options: CallOptions,
  ): void {
    const undo = watchForAbort(options, reason => this.#abort(id, call, reason, options))
    const onResult = (value: unknown): void => {
      undo()
      if (options.signal && value instanceof RemoteIterable) value.endWith(options.signal, this.#killerOf(options))
      resolve(value)
    }
    const call = this.#channel.calls.set(id, onResult, error => (undo(), reject(error)), streams)
  }

  /** What is to be done when a stream is given up. It must not refer to the call, whose result is the stream. */
  #killerOf({ killOnAbort }: CallOptions): () => void {
    return () => {
      if (killOnAbort) this.#listener.onAborted(true)
    }
  }

  /** Nobody waits for a call any more. */
  #abort(
    id: number,
    call: PendingCall,
    reason: unknown,
    { killOnAbort = false, untilOver = false }: CallOptions,
  ): void {
    const { calls, streams, transport, counts } = this.#channel
    let isKilled = false
    const isWithdrawn = transport.writer.withdraw(id)
    if (isWithdrawn) calls.take(id)
    else {
      if (untilOver) call.aborted = { reason }
      else calls.abandon(call)
      streams.stopSending(call.streams, reason)
      isKilled = killOnAbort && this.#hasItsTurn(call)
      if (killOnAbort && !isKilled) this.#deferredKills.add(id, call)
      transport.writer.addUrgent(Kind.cancel, id)
      transport.flushNext()
    }
    counts.givenUp++
    if (isWithdrawn || !untilOver) call.reject(reason)
    this.#listener.onAborted(isKilled)
  }

  /** Whether a call that was written may have begun: a synchronous process has one at a time, until what it returned is iterated over. */
  #hasItsTurn(call: PendingCall): boolean {
    const { calls, streams } = this.#channel
    return this.isReady && (this.#isAsync || (!streams.areOpen && calls.isOldest(call)))
  }

  /** To be called when the process has said something. */
  onHeard(): void {
    this.#deferredKills.check()
  }
}

function rejected(reason: unknown): CallPromise {
  return new CallPromise((_, reject) => reject(reason))
}
