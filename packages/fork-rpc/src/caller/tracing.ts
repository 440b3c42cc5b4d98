import { tracingChannel } from 'node:diagnostics_channel'
import { CallPromise } from './call-promise.js'

/**
 * What subscribers of the tracing channel `anyfork:rpc:call` receive: one object per call, the same at each of its
 * steps.
 */
export interface CallTrace {
  /** The URL of the module, or its name; undefined for a global function. */
  module: string | undefined
  /** The name of the function. */
  name: string
  /** The arguments of the call. */
  args: readonly unknown[]
  /** The process ID, or undefined until the process has started. */
  pid: number | undefined
  /** What the call resolved with; set before `asyncStart` and `asyncEnd`. */
  result?: unknown
  /** What the call rejected with; set before `error`, `asyncStart`, and `asyncEnd`. */
  error?: unknown
}

const channel = tracingChannel<unknown, CallTrace>('anyfork:rpc:call')
const { start, end, asyncStart, asyncEnd, error } = channel

/** Reports whether the channel has subscribers. */
export function isTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  )
}

/** Publishes a call to the subscribers, as `TracingChannel.tracePromise` does, and returns its promise. */
export function trace(context: CallTrace, make: () => CallPromise): CallPromise {
  return start.runStores(context, () => {
    const call = make()
    end.publish(context)
    return new CallPromise((resolve, reject) => {
      call.then(
        result => {
          context.result = result
          asyncStart.publish(context)
          resolve(result)
          asyncEnd.publish(context)
        },
        (reason: unknown) => {
          context.error = reason
          error.publish(context)
          asyncStart.publish(context)
          reject(reason as Error)
          asyncEnd.publish(context)
        },
      )
    })
  })
}
