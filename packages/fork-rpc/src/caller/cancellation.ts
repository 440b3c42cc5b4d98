import { RpcError } from '../errors.js'
import type { IncomingStream } from '../streams/incoming.js'
import { RemoteIterable } from '../streams/remote-iterable.js'
import { Kind } from '../wire/frame.js'
import type { CallOptions } from './call-options.js'
import type { Channel } from './channel.js'
import type { PendingCall } from './pending-calls.js'

/** How long a process may take to report that it dropped a call that may have begun, in milliseconds. */
const DROP_MS = 100

/** How long an iterated function may take to notice between two values that it was stopped, in milliseconds. */
const STOP_MS = 100

/** The owner of the connection, which hears of aborts. */
export interface CancellationListener {
  /** A call is no longer awaited, or a stream was ended. @param isKilled - whether to kill the process with it */
  onAborted(isKilled: boolean): void
}

/**
 * Everything that happens when a call is aborted, by its `signal` or `timeout`:
 *
 * - A call that is not yet being written is withdrawn: the process never sees it.
 * - For any other, the process gets a `cancel` frame, and the streams among the arguments fail.
 * - With `killOnAbort`, the process is killed if it has begun the call.
 * - A stream that the call has returned ends.
 */
export class Cancellation {
  readonly #channel: Channel
  readonly #mayHaveBegun: (call: PendingCall) => boolean
  readonly #listener: CancellationListener
  /**
   * Aborted `killOnAbort` calls whose start has not been observed. If the process starts one of them, the owner kills
   * it. The process may start one before it reads the `cancel` frame; then it never reports that it dropped the call.
   */
  readonly #unobserved: { id: number; call: PendingCall }[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param mayHaveBegun - reports whether the process may have begun a call that has been written */
  constructor(channel: Channel, mayHaveBegun: (call: PendingCall) => boolean, listener: CancellationListener) {
    this.#channel = channel
    this.#mayHaveBegun = mayHaveBegun
    this.#listener = listener
  }

  /** Registers a call as pending, as `PendingCalls.set` does, until its response comes or it is aborted. */
  watch(
    id: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    streams: readonly number[],
    options: CallOptions,
  ): PendingCall {
    const { calls } = this.#channel
    const undo = watchForAbort(options, reason => this.#abort(id, call, reason, options))
    const onResult = (value: unknown): void => {
      undo()
      if (options.onEvent && value instanceof RemoteIterable) value.onceFinished(() => calls.stopListening(id))
      else calls.stopListening(id)
      if (options.signal && value instanceof RemoteIterable)
        endOnAbort(RemoteIterable.incomingOf(value), options.signal, this.#killerOf(options))
      resolve(value)
    }
    const onError = (error: unknown): void => {
      undo()
      calls.stopListening(id)
      reject(error)
    }
    const call = calls.set(id, onResult, onError, streams)
    return call
  }

  /** Call this when the process has sent something: the next call may have begun. */
  onResponse(): void {
    while (this.#unobserved.length && !this.#isFirstPending) this.#unobserved.shift()
    const first = this.#unobserved[0]
    if (!first || this.#timer || !this.#mayHaveBegun(first.call)) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#unobserved[0] === first && this.#isFirstPending) this.#listener.onAborted(true)
      else this.onResponse()
    }, DROP_MS)
    this.#timer.unref()
  }

  get #isFirstPending(): boolean {
    const { id, call } = this.#unobserved[0]!
    return this.#channel.calls.get(id) === call
  }

  #abort(
    id: number,
    call: PendingCall,
    reason: unknown,
    { killOnAbort = false, awaitAbort = false }: CallOptions,
  ): void {
    const { calls, streams, transport, counts } = this.#channel
    let isKilled = false
    const isWithdrawn = transport.writer.withdraw(id)
    if (isWithdrawn) calls.take(id)
    else {
      if (awaitAbort) call.aborted = { reason }
      else calls.abandon(call)
      streams.stopSending(call.streams, reason)
      isKilled = killOnAbort && this.#mayHaveBegun(call)
      if (killOnAbort && !isKilled) this.#unobserved.push({ id, call })
      transport.writer.addUrgent(Kind.cancel, id)
      transport.flushNext()
    }
    counts.aborted++
    if (isWithdrawn || !awaitAbort) call.reject(reason)
    this.#listener.onAborted(isKilled)
  }

  /** Returns the action for an aborted result stream. It must not refer to the call, which refers to the stream. */
  #killerOf({ killOnAbort }: CallOptions): () => void {
    return () => {
      if (killOnAbort) this.#listener.onAborted(true)
    }
  }
}

/**
 * Watches the signal and the timeout of a call.
 *
 * @param abort - called at most once, with the reason to reject the call with
 * @returns stops watching
 */
function watchForAbort({ signal, timeout }: CallOptions, abort: (reason: unknown) => void): () => void {
  const undo = (): void => {
    clearTimeout(timer)
    if (signal) forgetAbort(signal, onAbort)
  }
  const onAbort = (): void => {
    undo()
    abort(signal!.reason)
  }
  const onTimeout = (): void => {
    undo()
    abort(new RpcError('ERR_CALL_TIMEOUT', `the call was not answered within ${timeout} ms`))
  }
  const timer = timeout === undefined || timeout === Infinity ? undefined : setTimeout(onTimeout, timeout)
  if (signal) onceAborted(signal, onAbort)
  return undo
}

/**
 * Ends a stream when a signal is aborted, or at once if it has been: the consumer's next step rejects with the reason.
 *
 * @param onEnd - called then. If the signal was aborted before, it is called only if the stream does not end soon in
 *   the process. It must not refer to the `RemoteIterable`
 */
function endOnAbort(incoming: IncomingStream, signal: AbortSignal, onEnd: () => void): void {
  const ref = new WeakRef(signal) // a listener of the signal may refer to the `RemoteIterable`
  const onAbort = (): void => {
    incoming.fail(ref.deref()!.reason)
    onEnd()
  }
  if (signal.aborted) {
    incoming.fail(signal.reason)
    setTimeout(() => incoming.isIterated && onEnd(), STOP_MS).unref()
    return
  }
  onceAborted(signal, onAbort)
  incoming.onOver = () => {
    const kept = ref.deref()
    if (kept) forgetAbort(kept, onAbort)
  }
}

/** The callbacks for each signal. Many calls may share a signal; it gets one listener for all of them. */
const watched = new WeakMap<AbortSignal, { callbacks: Set<() => void>; listener: () => void }>()

/** Calls a function once the signal is aborted. */
export function onceAborted(signal: AbortSignal, callback: () => void): void {
  let entry = watched.get(signal)
  if (!entry) {
    const callbacks = new Set<() => void>()
    entry = { callbacks, listener: () => callbacks.forEach(each => void each()) }
    watched.set(signal, entry)
    signal.addEventListener('abort', entry.listener, { once: true })
  }
  entry.callbacks.add(callback)
}

/** Undoes `onceAborted`. */
export function forgetAbort(signal: AbortSignal, callback: () => void): void {
  const entry = watched.get(signal)
  if (!entry?.callbacks.delete(callback) || entry.callbacks.size) return
  signal.removeEventListener('abort', entry.listener)
  watched.delete(signal)
}
