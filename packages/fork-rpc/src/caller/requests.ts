import { bindContext } from '@anyfork/fdpass/internal'
import { RpcError } from '../errors.js'
import { dropDescriptors } from '../values/discard.js'
import type { EncodedRequest } from '../values/encoded-request.js'
import { Flag, Kind } from '../wire/frame.js'
import type { CallOptions } from './call-options.js'
import { CallPromise } from './call-promise.js'
import { Cancellation, type CancellationListener } from './cancellation.js'
import type { Channel } from './channel.js'
import type { PendingCall } from './pending-calls.js'
import { type SharedPage, TAKEN_BACK } from './shared-page.js'

/** Shared by all calls without streams among their arguments. */
const NO_STREAMS: readonly number[] = []

/** The owner of the connection. */
export interface RequestListener extends CancellationListener {
  /** A call has become pending. */
  onCall(): void
}

/** A call that the process may get before it has answered the one before. */
export interface SentAhead {
  /** Rejects with `TAKEN_BACK` if the call is taken back before the connection fails. */
  readonly promise: CallPromise
  /** Takes the call back, also after the connection has failed. Returns false if the process has begun it. */
  takeBack(): boolean
}

/** Sends calls, each under a new ID. */
export class Requests {
  /** Whether `close` was called: then new calls are rejected. */
  isClosed = false
  /** Whether the process serves. It begins no call before that. */
  isReady = false
  /** Why no call can be answered any more. */
  failure: Error | undefined
  readonly #channel: Channel
  readonly #isAsync: boolean
  readonly #page: SharedPage | undefined
  readonly #listener: RequestListener
  readonly #cancellation: Cancellation
  /** The number that stands for each export. */
  readonly #functions = new Map<string, number>()

  constructor(channel: Channel, isAsync: boolean, page: SharedPage | undefined, listener: RequestListener) {
    this.#channel = channel
    this.#isAsync = isAsync
    this.#page = page
    this.#listener = listener
    this.#cancellation = new Cancellation(channel, call => this.#mayHaveBegun(call), listener)
  }

  /** Returns the number that stands for an export of the module. The first time, announces it to the process. */
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

  /** @param request - the encoded arguments, if they were captured before. It belongs to the connection from now on */
  call(number: number, args: readonly unknown[], options?: CallOptions, request?: EncodedRequest): CallPromise {
    if (this.isClosed || this.failure || options?.signal?.aborted) return this.#refuse(args, options, request)
    const { calls, messages } = this.#channel
    const id = calls.reserve(options?.onEvent && bindContext(options.onEvent))
    const sent: number[] = []
    const flags = options ? Flag.cancellable : 0
    try {
      if (request) messages.addRequest(id, request, number, flags, sent)
      else messages.add(Kind.call, id, args, number, flags, sent)
    } catch (error) {
      calls.release(id)
      return rejected(error)
    }
    return new CallPromise((resolve, reject) => {
      this.#await(id, resolve, reject, sent.length ? sent : NO_STREAMS, options)
    })
  }

  /**
   * @param request - without attachments
   * @param options - without `onEvent`
   */
  callAhead(number: number, request: EncodedRequest, options?: CallOptions): SentAhead {
    if (this.isClosed || this.failure || options?.signal?.aborted)
      return { promise: this.#refuse([], options, request), takeBack: () => false }
    const id = this.#channel.calls.reserve()
    const claim = this.#page?.openClaim(id) ? Flag.claimed : 0
    const flags = options ? claim | Flag.cancellable : claim
    this.#channel.messages.addRequest(id, request, number, flags, [])
    let call!: PendingCall
    const promise = new CallPromise((resolve, reject) => {
      call = this.#await(id, resolve, reject, NO_STREAMS, options)
    })
    return { promise, takeBack: () => claim !== 0 && this.#takeBack(id, call) }
  }

  /** Makes a call pending that was queued. */
  #await(
    id: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    streams: readonly number[],
    options: CallOptions | undefined,
  ): PendingCall {
    const { calls, transport, counts } = this.#channel
    counts.calls++
    transport.flushSoon()
    const call = options
      ? this.#cancellation.watch(id, resolve, reject, streams, options)
      : calls.set(id, resolve, reject, streams)
    this.#listener.onCall()
    return call
  }

  #takeBack(id: number, call: PendingCall): boolean {
    const { calls, transport } = this.#channel
    const isPending = calls.get(id) === call
    if ((!isPending && !this.failure) || !this.#page!.takeBack(id)) return false // its ID may be another call's
    if (!isPending) return true
    if (transport.writer.withdraw(id)) calls.take(id)
    else calls.abandon(call) // until the process reports that it has dropped the call
    call.reject(TAKEN_BACK)
    return true
  }

  #refuse(
    args: readonly unknown[],
    options: CallOptions | undefined,
    request: EncodedRequest | undefined,
  ): CallPromise {
    if (request) request.discard()
    else dropDescriptors(args)
    if (this.isClosed) return rejected(new RpcError('ERR_RPC_CLOSED', 'called after close() or destroy()'))
    return rejected(this.failure ?? options!.signal!.reason)
  }

  /**
   * Reports whether the process may have begun a call that has been written. A process that is not `async` runs one
   * call at a time, including the stream that it returned.
   */
  #mayHaveBegun(call: PendingCall): boolean {
    const { calls, streams } = this.#channel
    return this.isReady && (this.#isAsync || (!streams.areOpen && calls.isOldest(call)))
  }

  /** Call this when the process has sent something. */
  onResponse(): void {
    this.#cancellation.onResponse()
  }
}

function rejected(reason: unknown): CallPromise {
  return new CallPromise((_, reject) => reject(reason))
}
